// Five thousand events and SIGKILLs under load: none is lost, and what comes again is what was in flight.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/harness.mjs';
import { BATCH, EVENTS, WRITERS, batch, random, repeated, seed, settled, world } from '../support/mass.mjs';
import { freePort, leased, newState, startWrangler } from '../support/wrangler.mjs';

const KILLS = 4;
const seconds = (ms) => (ms / 1000).toFixed(1);

test(`of ${EVENTS} events under ${KILLS} SIGKILLs none is lost, and none comes twice but what was in flight`, async (t) => {
  const began = Date.now();
  t.diagnostic(`SEED=${seed}`);
  const state = newState(t);
  const port = await freePort();
  let trackMate = await startWrangler(state, port);
  t.after(() => trackMate.kill());
  const w = await world(t, trackMate);
  // When nothing has arrived for two seconds, the sweep runs: it stands for the minutes that a test does not have.
  let [seen, seenAt, sweeps] = [0, Date.now(), 0];
  const sweep = async () => {
    const count = w.receivers.steady.requests.length + w.receivers.flaky.requests.length;
    if (count > seen) [seen, seenAt] = [count, Date.now()];
    if (Date.now() - seenAt < 2000) return;
    seenAt = Date.now();
    sweeps += 1;
    await trackMate.sweep();
  };

  const left = Array.from({ length: EVENTS / BATCH }, (_, number) => number);
  const inFlight = [];
  let unanswered = 0;
  /** Writes until nothing is left, or until it is cut off. */
  const write = async () => {
    while (left.length > 0) {
      const number = left.shift();
      const sent = await w.c.tryServer({ events: batch(number) }).catch(() => null);
      if (sent?.status !== 200) {
        // Nobody said that it is stored. A customer's server sends it again, with the same ids.
        unanswered += 1;
        left.push(number);
        return;
      }
      assert.equal(sent.body.accepted + sent.body.duplicates, BATCH);
    }
  };
  const writeAll = () => Promise.all(Array.from({ length: WRITERS }, write));
  for (let kills = 0; kills < KILLS; kills += 1) {
    const writing = writeAll();
    const moment = w.receivers.steady.requests.length + 50 + Math.floor(random() * 600);
    await until('the moment of the kill', async () => {
      await sweep();
      return w.receivers.steady.requests.length >= moment;
    });
    await trackMate.kill();
    await writing;
    // What an earlier kill left leased and nobody has touched since was in flight then, not now.
    const all = [...w.receivers.steady.requests, ...w.receivers.flaky.requests];
    const now = leased(state).filter((id) => (all.findLast((r) => r.id === id)?.at ?? Infinity) >= trackMate.upAt);
    inFlight.push(...now);
    trackMate = await startWrangler(state, port);
  }
  await writeAll();
  assert.deepEqual(left, []);
  await settled(w, sweep);
  const again = repeated(w);
  t.diagnostic(`${EVENTS} events, ${KILLS} kills, ${unanswered} requests cut off, ${inFlight.length} deliveries in flight at a kill, ${again.length} taken again, ${sweeps} sweeps, ${seconds(Date.now() - began)} s`);
  const cut = (id) => inFlight.filter((other) => other === id).length;
  assert.deepEqual(again.filter(([id, times]) => times - 1 > cut(id)), [], 'came again and was not in flight');
});
