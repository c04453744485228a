// How soon what a crash stranded goes on: by itself, without cron and without the queue's messages, which the crash took along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, hang, startChaos } from '../support/chaos.mjs';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { freePort, newState, startWrangler } from '../support/wrangler.mjs';

const KILLS = 3;
const EVENTS = 40;
/** A lease runs out after seven seconds and is looked for then; the rest is for the attempts, on a busy machine (8.4 s were seen). Without that look none of them would come. */
const RESUMED_S_MAX = 15;

test(`what a crash stranded arrives within ${RESUMED_S_MAX} s of the restart, and what was in flight with its id and bytes`, async (t) => {
  const state = newState(t);
  const port = await freePort();
  let trackMate = await startWrangler(state, port);
  t.after(() => trackMate.kill());
  const c = await newCompany(trackMate);
  let hanging = true;
  const receiver = await startChaos(() => (hanging ? hang : answer(200)));
  t.after(receiver.close);
  // A timeout that no attempt reaches before the kill: none of them fails, they are cut off.
  await c.subscribe(receiver.url, ['stranded'], { retryAttempts: 5, retryDelay: 1, timeoutMs: 10_000 });

  for (let kill = 0; kill < KILLS; kill += 1) {
    hanging = true;
    const before = receiver.requests.length;
    const messageIds = Array.from({ length: EVENTS }, (_, n) => `k${kill}-${n}`);
    const { body } = await c.tryServer({ events: messageIds.map((messageId) => ({ eventType: 'stranded', messageId })) });
    assert.equal(body.accepted, EVENTS);
    // Some were sent and are not answered, most were never attempted: both are stranded.
    await until('attempts in flight', () => receiver.requests.length >= before + 5);
    await trackMate.kill();
    // What the Worker sent before its end may still wait to be read here.
    await receiver.allClosed();
    const cut = receiver.requests.slice(before);
    hanging = false;
    trackMate = await startWrangler(state, port);
    const after = () => receiver.requests.slice(before + cut.length);
    const arrivals = () => new Map(after().map((r) => [JSON.parse(r.body).metadata.messageId, r]));
    await until('all that was stranded', () => arrivals().size === EVENTS, (RESUMED_S_MAX + 5) * 1000).catch(() => {});
    const resumed = messageIds.map((id) => ((arrivals().get(id)?.at ?? Infinity) - trackMate.upAt) / 1000).toSorted((a, b) => a - b);
    t.diagnostic(`kill ${kill + 1}: ${cut.length} in flight, ${EVENTS} stranded; after the restart the first came at ${resumed[0].toFixed(1)} s, the last at ${resumed.at(-1).toFixed(1)} s, ${after().length - arrivals().size} more than once`);
    for (const request of cut) {
      const again = after().filter((r) => r.id === request.id);
      assert.ok(again.length <= 1 && again.every((r) => r.body.equals(request.body)), `${request.id} came back ${again.length} times or with other bytes`);
    }
    assert.equal(after().length, arrivals().size, 'nothing comes twice after the restart');
    assert.deepEqual(resumed.filter((s) => !(s <= RESUMED_S_MAX)), [], `not within ${RESUMED_S_MAX} s`);
  }
});
