// Thousands of events for a receiver that works and one that fails now and then, and what must be true of them in the end.
import assert from 'node:assert/strict';
import { answer, breakOff, randomFrom, reset, say, startChaos } from './chaos.mjs';
import { until } from './harness.mjs';
import { newCompany } from './people.mjs';
import { isSigned } from './receiver.mjs';

export const EVENTS = 5000;
export const BATCH = 10;
/** Every fifth batch goes to the receiver that fails now and then. */
const isFlaky = (number) => number % 5 === 4;
const FLAKY_FAILS = 0.15;
/** … but no delivery more often than that: the wait doubles each time, and some delivery of a thousand would have to wait for minutes once in a few hundred runs. */
const FAILS_MAX = 5;
export const WRITERS = 4;

/** Given again as SEED, a run's random choices are the same (their moments are not). */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
export const random = randomFrom(seed);
const among = (list) => list[Math.floor(random() * list.length)];

/** The faults of the flaky receiver. The first two took the delivery; the others did not. */
const TAKEN = [answer(200), breakOff(200)];
const FAULTS = [answer(500), answer(503), answer(429, { 'retry-after': 1 }), reset, say(''), say('garbage\r\n\r\n')];

/** A company, the two receivers and their subscriptions. */
export async function world(t, trackMate) {
  const c = await newCompany(trackMate);
  /** By receiver, how often it took each delivery. */
  const taken = { steady: new Map(), flaky: new Map() };
  const take = (name, request) => taken[name].set(request.id, (taken[name].get(request.id) ?? 0) + 1);
  const steady = await startChaos((request) => {
    take('steady', request);
    return TAKEN[0];
  });
  const failed = new Map();
  const flaky = await startChaos(
    (request) => {
      const times = failed.get(request.id) ?? 0;
      if (times < FAILS_MAX && random() < FLAKY_FAILS) {
        failed.set(request.id, times + 1);
        return among(FAULTS);
      }
      take('flaky', request);
      return random() < 0.1 ? TAKEN[1] : TAKEN[0];
    },
    { refuse: () => random() < FLAKY_FAILS / 5 },
  );
  for (const receiver of [steady, flaky]) t.after(receiver.close);
  const policy = { retryAttempts: 20, retryDelay: 1, timeoutMs: 3000 };
  const webhooks = { steady: await c.subscribe(`${steady.url}/hook`, ['steady'], policy), flaky: await c.subscribe(`${flaky.url}/hook`, ['flaky'], policy) };
  return { c, receivers: { steady, flaky }, taken, webhooks };
}

/** The batch of this number, the same whenever it is sent. */
export function batch(number) {
  const eventType = isFlaky(number) ? 'flaky' : 'steady';
  return Array.from({ length: BATCH }, (_, n) => ({ eventType, messageId: `m-${number}-${n}`, eventData: { number, n } }));
}

/** Waits until everything is delivered, and holds what came against what was accepted. */
export async function settled({ c, receivers, taken, webhooks }, meanwhile = () => {}) {
  const counts = { steady: 0, flaky: 0 };
  for (let number = 0; number < EVENTS / BATCH; number += 1) counts[isFlaky(number) ? 'flaky' : 'steady'] += BATCH;
  const stats = async (name) => (await c.get(`/api/admin/webhooks/${webhooks[name].id}`)).body.webhook.stats;
  for (const [name, count] of Object.entries(counts)) {
    await until(
      `${count} made to ${name}`,
      async () => {
        await meanwhile();
        return taken[name].size >= count && (await stats(name)).success >= count;
      },
      120_000,
    );
  }
  for (const [name, { requests }] of Object.entries(receivers)) {
    const wanted = Array.from({ length: EVENTS / BATCH }, (_, number) => batch(number).filter((e) => e.eventType === name).map((e) => e.messageId)).flat();
    const arrived = new Set(requests.filter((r) => taken[name].has(r.id)).map((r) => JSON.parse(r.body).metadata.messageId));
    assert.deepEqual(wanted.filter((id) => !arrived.has(id)), [], `accepted and never taken by ${name}`);
    assert.equal(arrived.size, counts[name], `${name} was sent what nobody accepted`);
    const byId = Map.groupBy(requests, (r) => r.id);
    assert.equal(byId.size, counts[name], `${name}: one id for one event`);
    for (const [id, same] of byId) assert.ok(same.every((r) => r.body.equals(same[0].body) && isSigned(r, webhooks[name].secret)), `${id} came with other bytes`);
    const { success, failed, held } = await stats(name);
    assert.deepEqual([success, failed, held], [counts[name], 0, 0], `final states of ${name}`);
    for (const status of ['pending', 'held']) assert.deepEqual((await c.get(`/api/admin/webhooks/${webhooks[name].id}/deliveries?status=${status}`)).body.deliveries, []);
  }
}

/** The deliveries that a receiver took more than once: [id, times]. */
export const repeated = ({ taken }) => [...taken.steady, ...taken.flaky].filter(([, times]) => times > 1);
