// A database that fills up: the operator is warned, and what cannot be stored is refused at once, with a code of its own, and never promised for later.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { freePort, growDatabase, newState, startWrangler } from '../support/wrangler.mjs';

const GB = 1e9;

test('what finds the database full is told so by every door, is never queued, and nothing that was accepted is missing', async (t) => {
  const state = newState(t);
  growDatabase(state, { pagesLeft: 200 });
  // The limit of the variable is beyond what the database can have, as on a plan with a lower one.
  const trackMate = await startWrangler(state, await freePort(), ['D1_BYTES_MAX:99000000000000']);
  t.after(() => trackMate.kill());
  assert.equal((await trackMate.call('GET', '/readyz')).status, 200);
  const c = await newCompany(trackMate);
  let accepted = 0;
  const text = 'x'.repeat(20_000);
  const batch = () => Array.from({ length: 20 }, (_, n) => ({ eventType: 'filled', eventData: { n, text } }));
  const doors = {
    pages: () => c.events('session_full', batch()),
    servers: () => c.tryServer({ events: batch() }),
    identify: () => c.tryIdentify('session_full', 'full@example.com', { text }),
    contacts: () => c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'full@example.com', message: text }),
    segment: () => c.call('POST', '/v1/batch', { writeKey: c.companyId, batch: batch().map(({ eventType, eventData }) => ({ type: 'track', anonymousId: 'v', event: eventType, properties: eventData })) }),
  };
  for (const [door, send] of Object.entries(doors)) {
    const refused = await until(`${door} find no room`, async () => {
      const answer = await send();
      assert.equal(answer.body.queued, undefined, `${door}: ${JSON.stringify(answer.body)}`);
      if (answer.status === 200) accepted += answer.body.accepted ?? 1;
      return answer.status !== 200 && answer;
    });
    assertProblem(refused, 507, 'storage_full');
    assert.equal(refused.headers.get('retry-after'), '60');
  }
  const stats = await c.get('/api/admin/stats');
  assert.equal(stats.status, 200, 'what is there can be read');
  assert.equal(stats.body.totals.events, accepted);
  assert.equal(trackMate.log().match(/THE DATABASE IS FULL/g)?.length, 1, 'the log says it once');
  assertProblem(await trackMate.call('GET', '/readyz'), 507, 'storage_full');
});

test('/readyz says that a database is full which is as large as it may be, before anything was refused', async (t) => {
  const state = newState(t);
  growDatabase(state, { bytes: 1 * GB });
  const trackMate = await startWrangler(state, await freePort(), ['D1_BYTES_MAX:900000000']);
  t.after(() => trackMate.kill());
  assertProblem(await trackMate.call('GET', '/readyz'), 507, 'storage_full');
  assert.equal((await trackMate.call('GET', '/healthz')).status, 200);
});

test('a database beyond 4 GiB answers as any other, its operator is warned once of how full it is, and a cold isolate costs an event nothing', async (t) => {
  const state = newState(t);
  const port = await freePort();
  const vars = ['DEV_SHOW_COST:1', 'METRICS_S:0'];
  const total = async () => {
    const { headers } = await trackMate.call('GET', '/healthz');
    return Object.fromEntries([...headers.get('x-isolate').matchAll(/(trips|written)=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
  };
  let trackMate = await startWrangler(state, port, vars);
  t.after(() => trackMate.kill());
  const c = await newCompany(trackMate);
  const events = (n) => Array.from({ length: n }, (_, i) => ({ eventType: `name${i % 3}`, eventData: { i } }));
  await c.track('session_warm', ...events(3));
  await trackMate.kill();
  const killed = Date.now();

  growDatabase(state, { bytes: 7.2 * GB });
  // Of isolates that start within five seconds of each other, one looks: the next is to.
  await until('the first one’s look is long ago', () => Date.now() - killed > 5500);
  trackMate = await startWrangler(state, port, vars);
  const N = 6;
  const { cost, body } = await c.track('session_cold', ...events(N));
  assert.deepEqual([body.accepted, cost.trips], [N, 1]);
  assert.ok(cost.written <= 2 * N + 3, `${cost.written} rows`);
  // The isolate looks twice for what a crash may have left, each time a turn, a row, and five questions. Nothing else is behind the answer.
  const LOOK = { trips: 6, written: 1 };
  await until('both looks of an isolate that starts', async () => (await total()).trips >= 1 + LOOK.trips + 1);
  const all = await until('the second look ends', async () => {
    const { trips, written } = await total();
    return trips >= 1 + 2 * LOOK.trips && { trips, written };
  });
  assert.deepEqual(all, { trips: 1 + 2 * LOOK.trips, written: cost.written + 2 * LOOK.written });

  const { storage } = (await trackMate.call('GET', '/api/operator/companies', undefined, { authorization: `Bearer ${trackMate.operatorKey}` })).body;
  assert.ok(storage.bytes > 7 * GB && storage.bytesMax === 10 * GB, JSON.stringify(storage));
  assert.equal(trackMate.log().match(/the database DB is 70 % full/g)?.length, 1);
  assert.equal((await trackMate.call('GET', '/readyz')).status, 200, 'there is room');
});
