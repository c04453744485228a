// Ten thousand events: without a crash each is delivered once; with SIGKILLs under load none is lost, and what comes twice is what was in flight.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { answer, breakOff, randomFrom, reset, say, startChaos } from '../support/chaos.mjs';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { isSigned } from '../support/receiver.mjs';
import { freePort, leased, migrate, startWrangler } from '../support/wrangler.mjs';

const EVENTS = 5000;
const BATCH = 10;
/** Every fifth batch goes to the receiver that fails now and then. */
const isFlaky = (number) => number % 5 === 4;
const FLAKY_FAILS = 0.15;
const KILLS = 4;
const WRITERS = 4;

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
const random = randomFrom(seed);
const among = (list) => list[Math.floor(random() * list.length)];
const seconds = (ms) => (ms / 1000).toFixed(1);

/** The faults of the flaky receiver. The first two took the delivery; the others did not. */
const TAKEN = [answer(200), breakOff(200)];
const FAULTS = [answer(500), answer(503), answer(429, { 'retry-after': 1 }), reset, say(''), say('garbage\r\n\r\n')];

/** A company, the two receivers and their subscriptions. */
async function world(t, trackMate) {
  const c = await newCompany(trackMate);
  const steady = await startChaos((request) => {
    request.taken = true;
    return TAKEN[0];
  });
  const flaky = await startChaos(
    (request) => {
      request.taken = random() > FLAKY_FAILS;
      return request.taken ? (random() > 0.1 ? TAKEN[0] : TAKEN[1]) : among(FAULTS);
    },
    { refuse: () => random() < FLAKY_FAILS / 5 },
  );
  for (const receiver of [steady, flaky]) t.after(receiver.close);
  const policy = { retryAttempts: 20, retryDelay: 1, timeoutMs: 3000 };
  const webhooks = { steady: await c.subscribe(`${steady.url}/hook`, ['steady'], policy), flaky: await c.subscribe(`${flaky.url}/hook`, ['flaky'], policy) };
  return { c, receivers: { steady, flaky }, webhooks };
}

/** The batch of this number, the same whenever it is sent. */
function batch(number) {
  const eventType = isFlaky(number) ? 'flaky' : 'steady';
  return Array.from({ length: BATCH }, (_, n) => ({ eventType, messageId: `m-${number}-${n}`, eventData: { number, n } }));
}

/** Waits until everything is delivered, and holds what came against what was accepted → requests by delivery of each receiver. */
async function settled({ c, receivers, webhooks }, meanwhile = () => {}) {
  const counts = { steady: 0, flaky: 0 };
  for (let number = 0; number < EVENTS / BATCH; number += 1) counts[isFlaky(number) ? 'flaky' : 'steady'] += BATCH;
  const stats = async (name) => (await c.get(`/api/admin/webhooks/${webhooks[name].id}`)).body.webhook.stats;
  for (const [name, count] of Object.entries(counts)) {
    await until(
      `${count} made to ${name}`,
      async () => {
        await meanwhile();
        return (await stats(name)).success >= count;
      },
      120_000,
    );
  }
  const byDelivery = {};
  for (const [name, { requests }] of Object.entries(receivers)) {
    const wanted = Array.from({ length: EVENTS / BATCH }, (_, number) => batch(number).filter((e) => e.eventType === name).map((e) => e.messageId)).flat();
    const arrived = new Set(requests.filter((r) => r.taken).map((r) => JSON.parse(r.body).metadata.messageId));
    assert.deepEqual(wanted.filter((id) => !arrived.has(id)), [], `accepted and never taken by ${name}`);
    assert.equal(arrived.size, counts[name], `${name} was sent what nobody accepted`);
    byDelivery[name] = Map.groupBy(requests, (r) => r.id);
    assert.equal(byDelivery[name].size, counts[name], `${name}: one id for one event`);
    for (const [id, same] of byDelivery[name]) assert.ok(same.every((r) => r.body.equals(same[0].body) && isSigned(r, webhooks[name].secret)), `${id} came with other bytes`);
    const { success, failed, held } = await stats(name);
    assert.deepEqual([success, failed, held], [counts[name], 0, 0], `final states of ${name}`);
    for (const status of ['pending', 'held']) assert.deepEqual((await c.get(`/api/admin/webhooks/${webhooks[name].id}/deliveries?status=${status}`)).body.deliveries, []);
  }
  return byDelivery;
}

/** The ids that a receiver took more than once. */
const doubled = (byDelivery) => Object.values(byDelivery).flatMap((map) => [...map].filter(([, same]) => same.filter((r) => r.taken).length > 1).map(([id]) => id));

async function start(t) {
  t.diagnostic(`SEED=${seed}`);
  const state = mkdtempSync(join(tmpdir(), 'trackmate-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  migrate(state);
  const port = await freePort();
  return { state, port, trackMate: await startWrangler(state, port) };
}

test(`of ${EVENTS} events, without a crash, each is delivered once`, async (t) => {
  const { trackMate } = await start(t);
  t.after(() => trackMate.kill());
  const w = await world(t, trackMate);
  const began = Date.now();
  const left = Array.from({ length: EVENTS / BATCH }, (_, number) => number);
  const write = async () => {
    while (left.length > 0) assert.equal((await w.c.tryServer({ events: batch(left.shift()) })).body.accepted, BATCH);
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const accepted = Date.now();
  const byDelivery = await settled(w);
  const attempts = w.receivers.steady.requests.length + w.receivers.flaky.requests.length + w.receivers.flaky.refused;
  t.diagnostic(`${EVENTS} events accepted in ${seconds(accepted - began)} s, delivered after ${seconds(Date.now() - began)} s in ${attempts} attempts, ${doubled(byDelivery).length} twice`);
  assert.deepEqual(doubled(byDelivery), []);
  assert.equal(w.receivers.steady.requests.length, w.webhooks && byDelivery.steady.size);
});

test(`of ${EVENTS} events under ${KILLS} SIGKILLs none is lost, and none comes twice but what was in flight`, async (t) => {
  const began = Date.now();
  const { state, port, trackMate: first } = await start(t);
  let trackMate = first;
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
  const inFlight = new Set();
  let unanswered = 0;
  for (let kills = 0; kills < KILLS; kills += 1) {
    // A share of what is left, so that every kill meets writing and delivering at once.
    const until_ = left.length - Math.floor((left.length / (KILLS - kills + 1)) * (0.5 + random()));
    const write = async () => {
      while (left.length > until_) {
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
    const writers = Array.from({ length: WRITERS }, write);
    const moment = w.receivers.steady.requests.length + 20 + Math.floor(random() * 200);
    await until('the moment of the kill', async () => {
      await sweep();
      return w.receivers.steady.requests.length >= moment;
    }, 60_000);
    await trackMate.kill();
    await Promise.all(writers);
    for (const id of leased(state)) inFlight.add(id);
    trackMate = await startWrangler(state, port);
  }
  while (left.length > 0) {
    const number = left.shift();
    const { body } = await w.c.tryServer({ events: batch(number) });
    assert.equal(body.accepted + body.duplicates, BATCH);
  }
  const byDelivery = await settled(w, sweep);
  const twice = doubled(byDelivery);
  t.diagnostic(`${EVENTS} events, ${KILLS} kills, ${unanswered} requests cut off, ${inFlight.size} deliveries in flight at a kill, ${twice.length} taken twice, ${sweeps} sweeps, ${seconds(Date.now() - began)} s`);
  assert.deepEqual(twice.filter((id) => !inFlight.has(id)), [], 'came twice and was not in flight');
});
