// Five thousand events without a crash: each is delivered once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH, EVENTS, WRITERS, batch, repeated, seed, settled, world } from '../support/mass.mjs';
import { freePort, newState, startWrangler } from '../support/wrangler.mjs';

const seconds = (ms) => (ms / 1000).toFixed(1);

test(`of ${EVENTS} events, without a crash, each is delivered once`, async (t) => {
  t.diagnostic(`SEED=${seed}`);
  const trackMate = await startWrangler(newState(t), await freePort());
  t.after(() => trackMate.kill());
  const w = await world(t, trackMate);
  const began = Date.now();
  const left = Array.from({ length: EVENTS / BATCH }, (_, number) => number);
  const write = async () => {
    while (left.length > 0) assert.equal((await w.c.tryServer({ events: batch(left.shift()) })).body.accepted, BATCH);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const accepted = Date.now();
  await settled(w);
  const attempts = w.receivers.steady.requests.length + w.receivers.flaky.requests.length + w.receivers.flaky.refused;
  t.diagnostic(`${EVENTS} events accepted in ${seconds(accepted - began)} s, delivered after ${seconds(Date.now() - began)} s in ${attempts} attempts, ${repeated(w).length} taken twice`);
  assert.deepEqual(repeated(w), []);
});
