// `make soak-upgrade`: an upgrade and the way back under 50 requests a second lose nothing. The
// Worker of BASE (the last release) and today's run side by side in one workerd, on one D1 and the
// same queues. Migrations are applied while the old Worker serves, as `trackmate upgrade` does.
// PHASE_S and PER_SECOND make it longer; SEED repeats the requests of a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { buildBase, differences, findBase, migrations, ROOT, upgradeOf } from '../support/base.mjs';
import { caller, createCompany, until } from '../support/harness.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { startTraffic } from '../support/traffic.mjs';
import { startVersions } from '../support/versions.mjs';

const PHASE_MS = Number(process.env.PHASE_S ?? 15) * 1000;
const PER_SECOND = Number(process.env.PER_SECOND ?? 50);
const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const SWEEP_MS = 5000;
/** Of 100 deliveries, those that the receiver fails. They are sent again after a second. */
const FAILING_PERCENT = 3;
/** How long D1 may be gone until each kind of request was queued. */
const OUTAGE_MS_MAX = 60_000;
const SETTLED_MS = 180_000;

const base = findBase();
if (!base.commit) {
  console.error(`FAILED: ${base.why}`);
  process.exit(1);
}
const different = differences(base.commit);
if (different.length > 0) {
  console.error(`FAILED: ${base.label} cannot be upgraded, since migrations were edited: ${different.join(', ')}`);
  console.error('Fix: choose a later BASE');
  process.exit(1);
}

/** All rows of an export, and who each user id is: an address, or the company's own id. */
async function storedBy(call, admin) {
  const rowsOf = async (path) => {
    const { status, body } = await call('GET', `/api/admin/export/${path}/ndjson`, undefined, admin);
    assert.equal(status, 200);
    // One line is read as JSON already.
    return typeof body === 'string' ? body.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [body];
  };
  const users = await rowsOf('users');
  const names = new Map(users.map((user) => [user.id, user.email ?? user.externalId]));
  const rows = (await rowsOf('events')).filter((row) => row.eventData?.n !== undefined);
  return { names, rows };
}

const title = `an upgrade from ${base.label} and the way back lose nothing under ${PER_SECOND} requests a second`;

test(title, { timeout: 30 * 60_000 }, async (t) => {
  const { before, pending } = upgradeOf(base.commit);
  t.diagnostic(`SEED=${SEED}; from ${base.label} with ${before.length} migrations to ${migrations().length}`);
  const versions = await startVersions({ old: buildBase(base.commit), new: ROOT });
  t.after(versions.stop);
  for (const file of before) await versions.migrate(file);
  const receiver = await startReceiver(() => (Math.random() * 100 < FAILING_PERCENT ? 503 : 200));
  t.after(receiver.close);
  const [old, call] = [caller(versions.urls.old), caller(versions.urls.new)];
  const company = await createCompany(old, versions.operatorKey);
  const admin = { 'x-admin-id': company.adminKey };
  const retries = { retryDelay: 1, retryAttempts: 5 };
  const webhook = { name: 'All', url: `${receiver.url}/all`, events: ['viewed', 'paid'], ...retries };
  assert.equal((await old('POST', '/api/admin/webhooks', webhook, admin)).status, 200);

  /** The share of requests that the new version has. */
  let share = 0;
  const address = () => versions.urls[Math.random() < share ? 'new' : 'old'];
  const traffic = startTraffic({ ...company, perSecond: PER_SECOND, address, seed: SEED });
  let isOver = false;
  const cron = (async () => {
    for (; !isOver; await pause(SWEEP_MS)) await versions.sweep().catch(() => {});
  })();
  t.after(() => (isOver = true));
  const phase = async (what, run) => {
    const [began, sent] = [Date.now(), traffic.events.size];
    await run();
    t.diagnostic(`${what}: ${traffic.events.size - sent} events in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  };
  const serve = () => traffic.run(PHASE_MS);
  /**
   * D1 is gone until each kind of request is queued. Then another version has its turn, and reads
   * what the version before has queued.
   */
  const changeDuringOutage = async (version, newShare) => {
    const queued = { ...traffic.queued };
    const release = versions.lock();
    const isQueued = () => Object.entries(traffic.queued).every(([kind, count]) => count > queued[kind]);
    await traffic.run(OUTAGE_MS_MAX, isQueued);
    await versions.turn(version);
    share = newShare;
    release();
    assert.ok(isQueued(), `nothing was queued: ${JSON.stringify(traffic.queued)}`);
  };

  await phase('old version', serve);
  await phase('migrations', async () => {
    for (const file of pending) await Promise.all([versions.migrate(file), traffic.run(1000)]);
  });
  await phase('old version on the new schema', serve);
  await phase('D1 gone while the versions change', () => changeDuringOutage('new', 0.5));
  await phase('both versions', serve);
  share = 1;
  await phase('new version', serve);
  await phase('D1 gone while the versions change back', () => changeDuringOutage('old', 0));
  await phase('old version after the rollback', serve);
  await versions.turn('new');
  share = 1;
  await phase('new version again', serve);
  await phase('last answers', traffic.end);
  assert.deepEqual(traffic.refused, []);

  const answered = [...traffic.events].filter(([, event]) => event.answered).map(([n]) => n);
  const overAt = Date.now();
  const { names, rows } = await until(
    'all that was answered is stored',
    async () => {
      const stored = await storedBy(call, admin);
      const found = new Set(stored.rows.map((row) => row.eventData.n));
      return answered.every((n) => found.has(n)) && stored;
    },
    SETTLED_MS,
  );
  const storedAt = Date.now();
  const ofNumber = Map.groupBy(rows, (row) => row.eventData.n);
  const twice = [...ofNumber].filter(([, all]) => all.length > 1).map(([n]) => n);
  assert.deepEqual(twice, [], 'stored twice');
  const wrong = rows.filter((row) => (names.get(row.userId) ?? null) !== traffic.events.get(row.eventData.n).who);
  assert.deepEqual(wrong, [], 'events of a wrong person');

  /** n → the ids of its deliveries. */
  const idsOf = () => Map.groupBy(receiver.requests, (request) => request.json.data.n);
  await until('all is delivered', () => {
    const ids = idsOf();
    return answered.every((n) => ids.has(n));
  }, SETTLED_MS);
  const seconds = (ms) => (ms / 1000).toFixed(1);
  t.diagnostic(`all stored after ${seconds(storedAt - overAt)} s, all delivered after ${seconds(Date.now() - overAt)} s`);
  const delivered = idsOf();
  const isOne = (all) => new Set(all.map((request) => request.headers['webhook-id'])).size === 1;
  const severalIds = [...delivered].filter(([, all]) => !isOne(all)).map(([n]) => n);
  assert.deepEqual(severalIds, [], 'delivered with several ids');
  const wrongly = receiver.requests.filter(({ json }) => {
    const { who } = traffic.events.get(json.data.n);
    return json.metadata.userId !== null && names.get(json.metadata.userId) !== who;
  });
  assert.deepEqual(wrongly.map(({ json }) => json), [], 'delivered about a wrong person');
  const { lost, repeats, ...requests } = traffic.counts;
  const [sent, queued] = [requests, traffic.queued].map((counts) => JSON.stringify(counts));
  t.diagnostic(`requests ${sent}, of them queued ${queued}; ${lost} answers lost, ${repeats} requests sent again`);
  t.diagnostic(`${answered.length} events answered with 200, ${rows.length} stored, ${receiver.requests.length} attempts`);
  isOver = true;
  await cron;
});
