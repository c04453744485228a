// What one more request, of each kind, and one run of each job cost on the worst company that the limits allow: D1's own counts and the isolate's memory, held
// against the table here, which is the one in ARCHITECTURE.md. `make bounds` writes it there.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startTrackMate, until } from './support/harness.mjs';
import { at, worstCompany } from './support/worst.mjs';

const MB = 1024 * 1024;
/** What every public request keeps to: rows read, those that each further item adds, and MB. */
const PUBLIC_READ = 2000;
const PUBLIC_ITEM_READ = 1500;
const PUBLIC_MB = 20;
/** Queries that Cloudflare allows an invocation of the free plan, and seconds that it gives D1. */
const TRIPS_MAX = 50;
const ANSWER_S_MAX = 30;

const many = (count, item) => Array.from({ length: count }, (_, n) => item(n));
/** Data of as many bytes as all items of a request leave each, and at most what one may have. */
const large = (count) => ({ text: 'x'.repeat(Math.min(30_000, Math.floor(400_000 / count) - 250)) });
const event = (count) => (n) => ({ eventType: `kind${n}`, eventData: large(count) });
const group = (n) => ({ eventType: 'group', eventData: { groupId: `g${n}`, traits: { [`new${n}`]: n } } });
const record = (n) => ({ eventType: 'booking.created', eventData: { id: `r${n + 1}`, status: 'x'.repeat(500) } });
const traits = (name) => Object.fromEntries(many(200, (n) => [`${name}${n}`, 'x'.repeat(100)]));

const track = (session, events) => (w) => w.events(session, events);
const identify = (session, email, more) => (w) => w.tryIdentify(session, email, more);
const server = (identifier, more) => (w) => w.tryServer({ identifier: identifier?.(w), ...more });
const vendor = (path, body, key = 'companyId') => (w) => w.call('POST', path, body, { 'x-write-key': w[key] });
const admin = (method, path, body) => (w) =>
  w.call(method, `/api/admin/${path.replaceAll(/\{(\w+)\}/g, (_, name) => w[name])}`, typeof body === 'function' ? body(w) : body, w.admin);
const get = (path) => admin('GET', path);
/** The second page. */
const second = (path) => async (w) => get(`${path}&cursor=${encodeURIComponent((await get(path)(w)).body.pagination.nextCursor)}`)(w);

const segment = (count, own, more = () => ({})) => ({
  batch: many(count, (n) => ({ type: 'track', event: `kind${n}`, messageId: `${own}-${n}`, anonymousId: `${own}${n}`, properties: large(count), ...more(n) })),
});
const identifies = (own) => (n) => ({ type: 'identify', userId: `${own}u${n}`, traits: { email: `${own}${n}@example.com` } });

/**
 * [what, at most [round trips, rows read, rows written, MB of memory that all so far have taken], how, {status, items}], in this order: some change what others find.
 * A contact is two items, and as one more counts the search for room for a name, and what counts the events behind a late identify.
 */
const PUBLIC = [
  ['`POST /api/events`: 1 event', [1, 2000, 240, 3], track('long', [event(1)(0)])],
  ['… 1 event of a new session', [1, 790, 240, 3], track('new', [event(1)(0)])],
  ['… 500 events with 500 names', [1, 290000, 120000, 16], track('often', many(500, event(500))), { items: 500 }],
  ['… 50 groups', [1, 63000, 12000, 16], track('long', many(50, group)), { items: 50 }],
  ['… of an unknown company', [1, 20, 0, 16], (w) => w.call('POST', '/api/events', { company_id: 'TM-NOBODY99', sessionId: 's', events: [{ eventType: 'e' }] }), { status: 404 }],
  ['`POST /api/profile`: a newcomer behind 20,000 events', [1, 1500, 470, 16], identify('passing', 'new@example.com', traits('n'))],
  ['… a return', [1, 850, 240, 16], identify('long', 'worst@example.com', traits('r'))],
  ['… on a new session', [1, 2000, 240, 16], identify('fresh', 'worst@example.com')],
  ['… the last that a session takes', [1, 2000, 240, 16], identify('often', 'worst@example.com', { messageId: 'to-undo' })],
  ['… late, before 298 events', [1, 2600, 240, 16], identify('late', 'other@example.com', { timestamp: at(1.5) }), { items: 2 }],
  ['… late, before 20,000 events: refused', [1, 500, 10, 16], identify('long', 'other@example.com', { timestamp: at(1.5) }), { status: 409 }],
  ['`POST /api/contacts`', [1, 4200, 240, 16], (w) => w.call('POST', '/api/contacts', { company_id: w.companyId, sessionId: 'long', email: 'worst@example.com', name: 'Ada', utm: { source: 'x' } }), { items: 3 }],
  ['`POST /v1/track`', [1, 790, 240, 16], vendor('/v1/track', { ...segment(1, 'one').batch[0] })],
  ['`POST /v1/identify`', [2, 2000, 240, 16], vendor('/v1/identify', { anonymousId: 'long', userId: 'a1', traits: { email: 'worst@example.com' } })],
  ['`POST /v1/batch`: 250 visitors', [1, 200000, 58000, 16], vendor('/v1/batch', segment(250, 'track')), { items: 250 }],
  ['… 250 identifies of 250 people', [4, 370000, 120000, 16], vendor('/v1/batch', segment(250, 'id', identifies('id'))), { items: 250 }],
  ['`POST /batch` (PostHog): 250 visitors', [1, 200000, 58000, 16], (w) => w.call('POST', '/batch', { api_key: w.companyId, batch: many(250, (n) => ({ event: `kind${n}`, distinct_id: `hog${n}`, properties: large(250) })) }), { items: 250 }],
  ['… with five groups each', [1, 220000, 65000, 16], (w) => w.call('POST', '/batch', { api_key: w.companyId, batch: many(250, (n) => ({ event: `kind${n}`, distinct_id: `pig${n}`, properties: { ...large(250), $groups: Object.fromEntries(many(5, (i) => [`kind${i}`, `g${n}`])) } })) }), { items: 250 }],
  ['`POST /api/s/track` (Jitsu)', [1, 790, 240, 16], vendor('/api/s/track', { ...segment(1, 'jitsu').batch[0] })],
];
const SERVER = [
  ['`POST /api/webhooks/events`: 1 event, by e-mail', [2, 3000, 240, 16], server(() => ({ email: 'worst@example.com' }), event(1)(0))],
  ['… by user id', [2, 3000, 240, 16], server((w) => ({ userId: w.profileId }), event(1)(1))],
  ['… by session', [2, 3000, 240, 16], server(() => ({ sessionId: 'often' }), event(1)(2))],
  ['… about nobody', [2, 3000, 240, 16], server(undefined, event(1)(3))],
  ['… with a user', [4, 15000, 470, 16], server(() => ({ email: 'worst@example.com' }), { ...event(1)(4), user: { firstName: 'Ada', locale: 'nb_NO' } })],
  ['… 500 events with 500 names', [2, 290000, 120000, 16], server(() => ({ email: 'worst@example.com' }), { events: many(500, event(500)) })],
  ['… 500 groups', [2, 700000, 120000, 16], server(() => ({ email: 'worst@example.com' }), { events: many(500, group) })],
  ['… 40 records', [2, 25000, 9200, 16], server(() => ({ email: 'worst@example.com' }), { events: many(40, record) })],
  ['`POST /v1/batch` by a server: 250 people', [4, 380000, 120000, 16], vendor('/v1/batch', segment(250, 'sv', identifies('sv')), 'serverKey')],
];
const ADMIN = [
  ['`GET /api/admin/users`, 1,000', [3, 110000, 0, 32], get('users?limit=1000&includeBookings=true')],
  ['… by time', [2, 21000, 0, 32], get('users?limit=1000&sortBy=createdAt&sortOrder=desc')],
  ['… searched', [4, 28000, 5000, 32], get('users?search=worst')],
  ['`GET …/users/{id}`', [4, 170000, 0, 32], get('users/{profileId}?includeBookings=true')],
  ['`PATCH …/users/{id}`', [4, 13000, 240, 32], admin('PATCH', 'users/{profileId}', { lastName: 'Lovelace' })],
  ['`PATCH …/custom-fields`', [4, 13000, 240, 32], admin('PATCH', 'users/{profileId}/custom-fields', { [`0001${'x'.repeat(90)}`]: 1 })],
  ['`GET …/timeline`, 500, oldest', [3, 30000, 0, 32], get('users/{profileId}/timeline?limit=500&order=asc')],
  ['… in the middle', [3, 30000, 0, 32], second('users/{profileId}/timeline?limit=500&order=asc')],
  ['… newest', [3, 18000, 0, 32], get('users/{profileId}/timeline?limit=500&order=desc')],
  ['`GET …/identities`, 500', [5, 35000, 0, 32], get('users/{profileId}/identities?limit=500')],
  ['`GET …/records`, 200', [3, 120000, 0, 32], get('users/{profileId}/records?limit=200')],
  ['`GET …/groups`, 100', [2, 12000, 0, 32], get('groups?limit=100')],
  ['`GET …/groups/{id}`', [2, 94000, 0, 32], get('groups/{group}')],
  ['`PATCH …/groups/{id}`', [4, 94000, 10, 32], admin('PATCH', 'groups/{group}', { traits: { plan: 'gold' } })],
  ['`GET …/members`, 500', [3, 200000, 0, 32], get('groups/{group}/members?limit=500')],
  ['`GET …/webhooks`', [2, 340000, 0, 32], get('webhooks')],
  ['`GET …/webhooks/{id}`', [3, 1700, 0, 32], get('webhooks/{subscription}')],
  ['`PATCH …/webhooks/{id}`', [5, 10, 10, 32], admin('PATCH', 'webhooks/{subscription}', { description: 'x' })],
  ['`GET …/deliveries`, 50', [3, 1700, 0, 32], get('webhooks/{subscription}/deliveries?limit=50')],
  ['`GET …/events`, 200', [3, 460, 10, 32], get('events?limit=200')],
  ['`GET …/events/rejected`, 200', [2, 450, 0, 32], get('events/rejected?limit=200')],
  ['`GET …/events/{id}`', [4, 16000, 0, 32], get('events/long-1')],
  ['`GET …/events/catalog`', [2, 1200, 0, 32], get('events/catalog')],
  ['`GET …/audit`, 500', [2, 560, 0, 32], get('audit?limit=500')],
  ['`GET …/exports`, 500', [2, 3000, 0, 32], get('exports?limit=500')],
  ['`GET …/export/users/count`', [3, 1800, 0, 32], get('export/users/count')],
  ['`GET …/export/events/count`', [20, 96000, 0, 32], get('export/events/count')],
  ['`GET …/stats`, 400 days', [50, 710000, 2000, 32], get('stats?from=2025-01-01T00:00:00Z&to=2026-02-01T00:00:00Z')],
  ['`POST …/plan/infer`', [2, 210000, 0, 32], admin('POST', 'plan/infer', {})],
  ['`POST …/identity/undo` of an identify', [30, 4900, 490, 32], admin('POST', 'identity/undo', { messageId: 'to-undo' })],
  ['`POST …/identity/merge`', [30, 55000, 2300, 32], admin('POST', 'identity/merge', (w) => ({ from: w.profileId, into: w.otherId }))],
  ['`POST …/identity/undo` of a merge', [30, 43000, 2300, 32], admin('POST', 'identity/undo', (w) => ({ profileId: w.profileId }))],
  ['`POST …/keys` with the last `Idempotency-Key` of a day', [4, 11000, 20, 32], async (w) => {
    const fill = 'with recursive n (i) as (select 1 union all select i + 1 from n where i < 4999) insert into idempotency_keys (company, key, request, marker, at) select ?1, i, 0, i, ?2 from n';
    await w.d1.prepare(fill).bind(w.companyId, Date.now()).run();
    return w.call('POST', '/api/admin/keys', { scope: 'server' }, { ...w.admin, 'idempotency-key': 'last' });
  }],
  ['`DELETE …/groups/{id}`', [5, 150000, 11000, 32], admin('DELETE', 'groups/{group}')],
  ['`DELETE …/users/{id}`', [30, 1000000, 20000, 32], admin('DELETE', 'users/{profileId}')],
];
/** Rows of a restored company. */
const restored = many(2000, (n) => ['TM-RESTORED', 0, `m${n}`, 's', n, 'seen', '{}', null, null, 1, null, null, 1, null, null, null]);
const byOperator = (w, method, path, body) => w.call(method, `/api/operator/${path}`, body, { authorization: `Bearer ${w.operatorKey}` });
const OPERATOR = [
  ['`GET /api/operator/backup`, 2,000 rows', [1, 17000, 0, 32], (w) => byOperator(w, 'GET', 'backup?table=links')],
  ['`POST …/restore/batches`, 2,000 rows', [2, 5000, 5000, 32], async (w) => {
    const { schema } = (await byOperator(w, 'GET', 'backup')).body.source;
    await byOperator(w, 'POST', 'restore', { file: schema, schema, beganAt: 1, company: 'TM-RESTORED' });
    return byOperator(w, 'POST', 'restore/batches', { number: 0, table: 'events', rows: restored });
  }],
  ['`DELETE …/restore` with 2,000 rows', [7, 9900, 2500, 32], (w) => byOperator(w, 'DELETE', 'restore')],
  ['`POST …/restore/end`, ten slices', [30, 200000, 41000, 32], async (w) => {
    const { schema: file } = (await byOperator(w, 'GET', 'backup')).body.source;
    await byOperator(w, 'POST', 'restore', { file, schema: file, beganAt: 1, company: 'TM-RESTORED' });
    // The tags of somebody whose erasure the restore finds open.
    await w.d1.prepare(`insert into erasures values ('TM-RESTORED', 'p', 7, null, 'n', '[0,0,""]', '{}')`).run();
    await w.d1.prepare(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000)
      insert into tags select 'TM-RESTORED', 'p', 't' || i, 1 from n`).run();
    return byOperator(w, 'POST', 'restore/end', { file, batches: 0, rows: 0 });
  }],
];
const REQUESTS = [...PUBLIC, ...SERVER, ...ADMIN, ...OPERATOR];
/** Before them, for what they wake goes on for a while. */
const JOBS = [
  ['An event and an attempt at its delivery; for its name, 500 make room', [5, 6500, 1000, 3], async (w) => {
    await w.d1.prepare("update subscriptions set active = 1, retry_delay_s = 3600 where company = ?1 and id = 'wh_1'").bind(w.companyId).run();
    await track('long', [event(1)(0)])(w);
    const tried = "select count(*) as n from deliveries where company = ?1 and subscription = 'wh_1' and attempts = 1";
    await until('the attempt', async () => (await w.d1.prepare(tried).bind(w.companyId).first('n')) === 1);
    await w.d1.prepare("update subscriptions set active = 0 where company = ?1 and id = 'wh_1'").bind(w.companyId).run();
  }],
  ['A run of the sweep, with 1,050 dead deliveries', [50, 40000, 6000, 3], (w) => w.sweep()],
  ['A run of the sweep that counts past hours, on the paid plan', [350, 1300000, 40000, 5], async (w) => {
    await w.d1.prepare('update hour_counts set since = 0, due_at = 0, begun_at = 0').run();
    await w.sweep();
    await w.d1.prepare('delete from event_hours').run();
    await w.d1.prepare('update hour_counts set round = null, due_at = ?1').bind(Date.now() + 86_400_000).run();
  }],
];

/** What has been asked of D1 so far, and the bytes of the isolate's memory, which never shrinks. Asks nothing of D1. */
async function totals(w) {
  const { headers } = await w.call('GET', '/healthz');
  return Object.fromEntries([...headers.get('x-isolate').matchAll(/(\w+)=(\d+)(?= |$)/g)].map(([, name, n]) => [name, Number(n)]));
}

/** … once nothing more is asked for half a second. */
async function quiet(w) {
  let [last, same] = [null, 0];
  return until('nothing more is asked', async () => {
    const now = await totals(w);
    same = now.trips === last?.trips ? same + 1 : 0;
    last = now;
    return same >= 20 && now;
  });
}

/** The table as it stands in ARCHITECTURE.md. */
function table() {
  const row = ([what, bounds]) => `| ${what} | ${bounds.map((n) => n.toLocaleString('en-US')).join(' | ')} |`;
  return ['| request or job | round trips | rows read | rows written | MB |', '|---|---:|---:|---:|---:|', ...[...REQUESTS, ...JOBS].map(row)].join('\n');
}

describe('on the worst company that the limits allow', () => {
  let [trackMate, world, start] = [];

  before(async () => {
    trackMate = await startTrackMate();
    world = { ...(await worstCompany(trackMate)), sweep: trackMate.sweep, operatorKey: trackMate.operatorKey };
    start = (await totals(world)).memory;
  });
  after(() => trackMate?.close());

  /** Holds what was measured against the bounds of its line. */
  function within(t, [what, bounds], { trips, read, written, memory }) {
    const measured = [trips, read, written, Math.ceil((memory - start) / MB)];
    t.diagnostic(`round trips, rows read, rows written, MB: ${measured.join(', ')}`);
    for (const [n, name] of ['round trips', 'rows read', 'rows written', 'MB'].entries()) {
      assert.ok(measured[n] <= bounds[n], `${what}: ${measured[n]} ${name}, and ${bounds[n]} are the bound`);
    }
  }

  for (const line of JOBS) {
    const [what, , how] = line;
    test(`${what} keeps to its bounds`, async (t) => {
      const before = await quiet(world);
      await how(world);
      const { trips, read, written, memory } = await totals(world);
      within(t, line, { trips: trips - before.trips, read: read - before.read, written: written - before.written, memory });
    });
  }

  let head = '';
  for (const line of REQUESTS) {
    const [what, bounds, how, { status = 200, items = 1 } = {}] = line;
    head = what.startsWith('…') ? head : what.split(':')[0];
    test(`${what.replace(/^…/, `${head}:`)} keeps to its bounds`, { timeout: ANSWER_S_MAX * 1000 }, async (t) => {
      const answer = await how(world);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      const { trips = 0, read = 0, written = 0 } = answer.cost;
      within(t, line, { trips, read, written, memory: (await totals(world)).memory });
      assert.ok(bounds[0] <= TRIPS_MAX, 'a free plan’s invocation');
      if (!PUBLIC.includes(line)) return;
      assert.ok(bounds[1] <= PUBLIC_READ + (items - 1) * PUBLIC_ITEM_READ, `a public request reads ${bounds[1]} rows`);
      assert.ok(bounds[3] <= PUBLIC_MB, `a public request takes ${bounds[3]} MB`);
    });
  }

  test('an export finds the few events that are asked for among all, some thousands at a time', async () => {
    for (const [asked, most] of [['eventType=large1500', 1], [`from=${at(3600 * 9000)}&to=${at(3600 * 9100)}`, 200]]) {
      const ids = [];
      for (let after = ''; after !== null; ) {
        const { body } = await get(`export/events/json?partial=true&${asked}&after=${encodeURIComponent(after)}`)(world);
        ids.push(...body.events.map((e) => `${e.sessionId} ${e.messageId}`));
        after = body.after;
      }
      const { rows } = (await get(`export/events/count?${asked}`)(world)).body;
      assert.deepEqual([new Set(ids).size, ids.length], [rows, rows], asked);
      assert.ok(ids.length > 0 && ids.length <= most, `${ids.length} events`);
    }
  });

  test('the table of bounds in ARCHITECTURE.md is the one that is held here', () => {
    const file = new URL('../ARCHITECTURE.md', import.meta.url);
    const text = readFileSync(file, 'utf8');
    const written = text.replace(/<!-- bounds -->[^]*<!-- \/bounds -->/, `<!-- bounds -->\n${table()}\n<!-- /bounds -->`);
    if (process.env.BOUNDS_WRITE) writeFileSync(file, written);
    else assert.equal(text, written, 'make bounds writes it');
  });
});
