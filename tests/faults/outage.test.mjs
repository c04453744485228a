// D1 is gone for half a minute under load, really: another process holds its lock. Whatever was answered with 200 is stored once, in order, within a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { freePort, lockDatabase, newState, startWrangler } from '../support/wrangler.mjs';

const OUTAGE_MS = 30_000;
/** Within which what was queued is stored, from the moment the database is back. */
const RECOVERY_MS = 60_000;

test('what is sent while D1 is gone for half a minute is stored within a minute of its return: all of it, once, in order', async (t) => {
  const state = newState(t);
  const trackMate = await startWrangler(state, await freePort());
  t.after(() => trackMate.kill());
  const receiver = await startReceiver();
  t.after(receiver.close);
  const c = await newCompany(trackMate);
  await c.subscribe(`${receiver.url}/paid`, ['paid']);

  /** What was answered with 200, by the event's own number. */
  const answered = new Set();
  const queued = { track: 0, server: 0, identify: 0, contact: 0 };
  const other = [];
  let numbers = 0;
  let ends = false;
  const note = (kind, answer, sent) => {
    if (answer.status !== 200) return void other.push([kind, answer.status, answer.body.code]);
    if (answer.body.queued) queued[kind] += 1;
    assert.deepEqual(answer.body.rejected ?? [], []);
    for (const n of sent) answered.add(n);
  };
  const fresh = (count) => Array.from({ length: count }, () => (numbers += 1));
  const events = (sent, eventType) => sent.map((n) => ({ eventType, eventData: { n } }));

  const pages = Array.from({ length: 3 }, async (_, w) => {
    const sessionId = `session_1760788800_${w}`;
    for (let round = 0; !ends; round += 1) {
      const sent = fresh(3);
      const body = events(sent, 'viewed').map((event) => ({ ...event, messageId: `m-${event.eventData.n}` }));
      note('track', await c.events(sessionId, body), sent);
      // A page that did not hear the answer sends the same again.
      if (round % 3 === 0) note('track', await c.events(sessionId, body), sent);
      const [n] = fresh(1);
      if (round % 5 === 0) note('identify', await c.tryIdentify(sessionId, `p${w}@example.com`, { n }), [n]);
    }
  });
  const servers = Array.from({ length: 2 }, async (_, w) => {
    for (let round = 0; !ends; round += 1) {
      const sent = fresh(2);
      note('server', await c.tryServer({ identifier: { email: `s${w}-${round % 7}@example.com` }, events: events(sent, round % 10 === 0 ? 'paid' : 'told') }), sent);
      const [n] = fresh(1);
      if (round % 5 === 0) note('contact', await c.call('POST', '/api/contacts', { company_id: c.companyId, email: `c${n}@example.com`, funnel: { pageId: String(n) } }), [n]);
    }
  });

  await until('load', () => answered.size > 50);
  assert.deepEqual(Object.values(queued), [0, 0, 0, 0]);
  const release = lockDatabase(state);
  t.after(release);
  const goneAt = Date.now();
  await until('each kind was queued', () => Object.values(queued).every((count) => count > 0));

  // What is too large for a message of the queue, and what cannot wait, is told to come again.
  const big = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`f${n}`, 'x'.repeat(1000)]));
  const large = await c.tryServer({ identifier: { email: 'big@example.com' }, eventType: 'told', user: { customFields: big, traits: { text: 'x'.repeat(30_000) } } });
  assertProblem(large, 503, 'unavailable');
  const setting = await c.call('PATCH', '/api/admin/settings', { name: 'Other' }, c.admin);
  assertProblem(setting, 503, 'unavailable');
  for (const { headers } of [large, setting]) assert.equal(headers.get('retry-after'), '10');
  // And 400 KB of events are as good as one.
  const many = fresh(20);
  const heavy = await c.events('session_heavy', many.map((n) => ({ eventType: 'heavy', eventData: { n, text: 'x'.repeat(20_000) } })));
  assert.equal(heavy.body.queued, true, JSON.stringify(heavy.body));
  note('track', heavy, many);

  await until('the outage ends', () => Date.now() - goneAt > OUTAGE_MS, OUTAGE_MS + 5000);
  const during = answered.size;
  release();
  const backAt = Date.now();
  await until('some load on the database that is back', () => answered.size > during + 50);
  ends = true;
  await Promise.all([...pages, ...servers]);
  assert.deepEqual(other, []);

  const number = (event) => event.eventData.n ?? Number(event.eventData.funnel.pageId);
  const stored = await until(
    'all that was answered is stored',
    async () => {
      const file = await c.call('GET', '/api/admin/export/events/ndjson', undefined, c.admin);
      const rows = file.body.trim().split('\n').map((line) => JSON.parse(line)).filter((row) => row.messageId);
      const found = new Set(rows.map(number));
      return [...answered].every((n) => found.has(n)) && rows;
    },
    Math.max(1, RECOVERY_MS - (Date.now() - backAt)),
  );
  const tookMs = Date.now() - backAt;
  t.diagnostic(`${answered.size} events answered, ${JSON.stringify(queued)} requests of them queued; all stored ${tookMs} ms after the database was back`);
  assert.equal(stored.length, answered.size, 'each is stored once');
  const ofSession = Map.groupBy(stored.filter((row) => row.eventType === 'viewed'), (row) => row.sessionId);
  assert.equal(ofSession.size, 3);
  for (const [session, rows] of ofSession) {
    const order = rows.map(number);
    assert.deepEqual(order, order.toSorted((a, b) => a - b), `the events of ${session} stand in the order in which they were sent`);
  }
  const sold = stored.filter((row) => row.eventType === 'paid').map(number);
  await until('all are delivered', () => new Set(receiver.requests.map((r) => r.json.data.n)).size === sold.length);
});
