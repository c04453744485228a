// What one caller may take of what is there for all: requests, memory; and the marks of machines.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startTrackMate, until } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';

const MB = 1024 * 1024;
const LIMIT = 5;
/** More than two windows of ten seconds let pass. */
const MANY = 2 * LIMIT + 3;
const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

const from = (address) => ({ 'cf-connecting-ip': address });

/** Sends it often at once → the answers that were refused for it, and the others. */
async function often(send) {
  const answers = await Promise.all(Array.from({ length: MANY }, (_, n) => send(n)));
  const refused = answers.filter((answer) => answer.status === 429);
  for (const answer of refused) {
    assertProblem(answer, 429, 'rate_limited');
    assert.equal(answer.headers.get('retry-after'), '10');
    assert.equal(answer.headers.get('ratelimit'), '"default";r=0;t=10');
    assert.equal(answer.cost.trips ?? 0, 0, 'a refusal asks nothing of the database');
  }
  return { refused, others: answers.filter((answer) => answer.status !== 429) };
}

describe('a rate limit', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate({}, { RATE_PAGES: LIMIT });
  });
  after(() => trackMate?.close());

  test('of pages holds for a company and a network, is told to pages of any origin, and passes: what is sent again is stored', async () => {
    const c = await newCompany(trackMate);
    const page = (address) => (n) => c.events('session_1', [{ eventType: 'e', messageId: `${address}-${n}` }], {}, from(address));
    const { refused, others } = await often(page('192.0.2.1'));
    assert.ok(refused.length >= 3 && others.length >= LIMIT, `${refused.length} refused`);
    for (const answer of others) assert.equal(answer.status, 200);
    assert.equal(refused[0].headers.get('access-control-allow-origin'), '*');
    assert.match(refused[0].headers.get('access-control-expose-headers'), /retry-after/);

    assert.equal((await page('192.0.2.2')('a')).status, 200, 'another address');
    const other = await newCompany(trackMate);
    assert.equal((await other.events('session_1', [], {}, from('192.0.2.1'))).status, 200, 'another company');
    await until('the limit passes', async () => (await page('192.0.2.1')('again')).status === 200);
  });

  test('of pages counts every public door together, and takes half of an IPv6 address', async () => {
    const c = await newCompany(trackMate);
    const doors = [
      (n, network) => c.call('POST', '/api/profile', { company_id: c.companyId, sessionId: `s${n}`, email: `p${n}@example.com` }, from(`${network}::${n}`)),
      (n, network) => c.call('POST', '/api/contacts', { company_id: c.companyId, email: `c${n}@example.com` }, from(`${network}::${n}`)),
      (n, network) => c.events(`s${n}`, [], {}, from(`${network}::${n}`)),
    ];
    const { refused } = await often((n) => doors[n % 3](n, '2001:db8:1:2'));
    assert.ok(refused.length >= 3);
    for (const door of doors) assert.equal((await door(1, '2001:db8:1:3')).status, 200, 'another network');
  });

  test('of pages counts a request with many items as several', async () => {
    const c = await newCompany(trackMate);
    const items = (n) => Array.from({ length: n }, () => ({ eventType: 'e' }));
    const send = (n, address) => c.events('session_1', items(n), {}, from(address));
    // As ten of the smallest: more than the limit allows, in any window.
    assertProblem(await send(500, '192.0.2.7'), 429, 'rate_limited');
    assert.equal((await send(50, '192.0.2.8')).status, 200);
    const batch = items(500).map(() => ({ type: 'track', event: 'e', anonymousId: 'v' }));
    const segment = await c.call('POST', '/v1/batch', { writeKey: c.companyId, batch }, from('192.0.2.9'));
    assertProblem(segment, 429, 'rate_limited');
  });

  test('the rate limit of pages counts the invalid and the repeated events of a request too', async () => {
    const c = await newCompany(trackMate);
    const send = (item, address) => c.events('session_1', Array(500).fill(item), {}, from(address));
    assertProblem(await send({}, '192.0.2.17'), 429, 'rate_limited');
    assertProblem(await send({ eventType: 'e', messageId: 'same' }, '192.0.2.18'), 429, 'rate_limited');
  });

  test('that is not bound limits nothing', async () => {
    const c = await newCompany(trackMate);
    const { refused } = await often(() => c.tryServer({ eventType: 'e' }));
    assert.equal(refused.length, 0);
  });
});

describe('a rate limit of keys', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate({}, { RATE_KEYS: LIMIT, RATE_REFUSED: LIMIT });
  });
  after(() => trackMate?.close());

  test('holds for each key by itself, of servers and of admins', async () => {
    const [c, other] = [await newCompany(trackMate), await newCompany(trackMate)];
    const servers = await often(() => c.tryServer({ eventType: 'e' }));
    assert.ok(servers.refused.length >= 3 && servers.others.every((answer) => answer.status === 200));
    const admins = await often(() => c.call('GET', '/api/admin/users', undefined, c.admin));
    assert.ok(admins.refused.length >= 3 && admins.others.every((answer) => answer.status === 200));
    assert.equal((await other.tryServer({ eventType: 'e' })).status, 200);
  });

  test('counts a request with many items as several', async () => {
    const c = await newCompany(trackMate);
    const events = Array.from({ length: 500 }, () => ({ eventType: 'e' }));
    assertProblem(await c.tryServer({ events }), 429, 'rate_limited');
    const other = await newCompany(trackMate);
    assert.equal((await other.tryServer({ events: events.slice(0, 50) })).status, 200);
  });

  test('the rate limit of keys counts the invalid events of a request too', async () => {
    const c = await newCompany(trackMate);
    assertProblem(await c.tryServer({ events: Array(500).fill({}) }), 429, 'rate_limited');
  });

  test('tells who shows keys and companies that nobody knows to wait, and holds up nobody else at the same address', async () => {
    const c = await newCompany(trackMate);
    const unknown = [
      (n) => c.call('GET', '/api/admin/users', undefined, { 'x-admin-id': `tm_admin_${n}`, ...from('192.0.2.9') }),
      (n) => c.tryServer({ eventType: 'e' }, { 'x-trackmate-api-key': `tm_live_${n}`, ...from('192.0.2.9') }),
      (n) => c.call('POST', '/api/events', { company_id: `TM-NOBODY${n}`, sessionId: 's', events: [] }, from('192.0.2.9')),
    ];
    // One after the other until each was told why: of many at once, who comes first is anybody's guess.
    const codes = [];
    for (const [n, ask] of unknown.entries()) codes.push((await ask(n)).body.code);
    assert.deepEqual(codes, ['invalid_key', 'invalid_key', 'unknown_company']);
    const answers = await Promise.all(Array.from({ length: MANY - unknown.length }, (_, n) => unknown[n % 3](n + unknown.length)));
    const refused = Map.groupBy(answers, (answer) => answer.body.code);
    assert.ok(refused.get('rate_limited')?.length >= 3, [...refused.keys()].join());
    assert.equal((await c.tryServer({ eventType: 'e' }, { ...c.key, ...from('192.0.2.9') })).status, 200);
  });
});

describe('what is sent', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());

  const memory = (answer) => Number(/memory=(\d+)/.exec(answer.headers.get('x-isolate'))[1]);

  test('as thirty megabytes costs no two, however it is packed', async (t) => {
    const c = await newCompany(trackMate);
    const before = memory(await c.events(c.session(), [{ eventType: 'e' }]));
    const zeros = Buffer.alloc(30 * MB);
    const plain = JSON.stringify({ company_id: c.companyId, sessionId: 's', events: [{ eventType: 'e', eventData: { text: ' '.repeat(30 * MB) } }] });
    const chunked = (bytes) =>
      new ReadableStream({
        pull(controller) {
          if (bytes <= 0) return controller.close();
          controller.enqueue(Buffer.alloc(64 * 1024, '['));
          bytes -= 64 * 1024;
        },
      });
    const bodies = { zeros: gzipSync(zeros), json: gzipSync(plain), nested: gzipSync('['.repeat(30 * MB)), twice: gzipSync(gzipSync(zeros)), plain };
    const most = {};
    for (const [name, body] of Object.entries(bodies)) {
      for (const path of ['/api/events', '/api/profile', '/api/contacts', '/api/webhooks/events']) {
        // What is not packed is refused before all of it is sent: then the connection may be cut before the answer is read.
        const answer = await c.call('POST', path, body, c.key).catch((error) => (name === 'plain' ? null : Promise.reject(error)));
        if (answer) assert.ok([413, 400].includes(answer.status), `${name}: ${answer.status}`);
        most[name] = memory(answer ?? (await c.events(c.session(), [{ eventType: 'e' }]))) - before;
      }
    }
    // Here, too; and the local runtime's front may answer a 500 of its own for a connection that is cut, without the id that all our answers have.
    const streamed = await until('the Worker itself answers', async () => {
      const answer = await fetch(`${trackMate.url}/api/events`, { method: 'POST', body: chunked(30 * MB), duplex: 'half' }).catch(() => null);
      return answer?.headers.has('x-request-id') && answer;
    });
    assert.equal(streamed.status, 413);
    most.chunked = memory(await c.events(c.session(), [{ eventType: 'e' }])) - before;
    t.diagnostic(`bytes of memory beyond ${before}, all so far: ${JSON.stringify(most)}`);
    for (const [name, bytes] of Object.entries(most)) assert.ok(bytes <= 2 * MB, `${name}: ${bytes} bytes`);
  });

  test('by a machine to the public doors is stored and marked, and shown so', async () => {
    const c = await newCompany(trackMate);
    const session = c.session();
    const send = (eventType, agent, context) => c.events(session, [{ eventType }], { context }, { 'user-agent': agent });
    await c.get('/api/admin/events');
    await send('crawled', 'Mozilla/5.0 (compatible; Googlebot/2.1)');
    await send('driven', CHROME, { webdriver: true });
    await send('seen', CHROME, { webdriver: false });
    const { profileId } = (await c.call('POST', '/api/profile', { company_id: c.companyId, sessionId: session, email: 'm@example.com' }, { 'user-agent': 'curl/8.5.0' })).body;
    await c.tryServer({ identifier: { userId: profileId }, eventType: 'told' }, { ...c.key, 'user-agent': 'curl/8.5.0' });
    const expected = { crawled: true, driven: true, seen: undefined, user_registered: true, told: undefined };
    const { events, summary } = await c.timeline(profileId);
    assert.deepEqual(Object.fromEntries(events.map((e) => [e.eventType, e.bot])), expected);
    assert.equal(summary.totalEvents, 5, 'a mark changes no count');
    const file = await c.get('/api/admin/export/events/json');
    assert.deepEqual(Object.fromEntries(file.body.events.map((e) => [e.eventType, e.bot])), { crawled: true, driven: true, seen: false, identify: true, told: false });
    const incoming = await until('they are noted', async () => (await c.get('/api/admin/events')).body.events.length === 5 && (await c.get('/api/admin/events')).body.events);
    assert.deepEqual(incoming.filter((e) => e.bot).map((e) => e.eventType).sort(), ['crawled', 'driven', 'identify']);
    const csv = await c.call('GET', '/api/admin/export/events/csv?fields=eventType,bot', undefined, c.admin);
    assert.match(csv.body, /crawled,true/);
  });

  const row = (i, n = 'kept') => ({ i, t: 1_760_788_800_000_000, n, d: { a: 1 } });
  const sent = (company, rows, more = {}) => JSON.stringify({ v: 1, at: 1_760_788_800_000, work: { sent: { company, session: 'session_1', context: null, origin: null, bot: false, sent_ms: null, rows, ...more } } });
  const send = async (...texts) => {
    const queue = await trackMate.spill();
    for (const text of texts) await queue.send(text, { contentType: 'text' });
  };
  const stored = async (c) => (await c.get('/api/admin/export/events/json')).body.events;
  const hashOf = (key) => createHash('sha256').update(key).digest('hex');
  const refusals = async (c) => (await c.get('/api/admin/events/rejected')).body.rejected.map((e) => [e.door, e.code, e.messageId]).sort();

  test('and spilled is stored once however often it comes, and as of its arrival', async () => {
    const c = await newCompany(trackMate);
    await send(sent(c.companyId, [row('a'), row('b')]), sent(c.companyId, [row('b'), row('c')]), sent(c.companyId, [row('a'), row('b')]));
    await until('all three', async () => (await stored(c)).length === 3);
    assert.deepEqual([...new Set((await stored(c)).map((e) => e.receivedAt))], ['2025-10-18T12:00:00.000Z']);
  });

  test('and spilled by nobody who may is refused with its reason, and the rest goes on', async () => {
    const c = await newCompany(trackMate);
    await c.call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'] }, c.admin);
    const told = JSON.stringify({ v: 1, at: 1_760_788_800_000, work: { told: { hash: '0'.repeat(64), company_id: null, about: { who: { address: null, email: null, user: null, session: null }, at: 0, sent_ms: null }, rows: [row('z')], user: null, merge: false } } });
    await send(sent('TM-NOBODY99', [row('x')]), sent(c.companyId, [row('y')], { origin: 'https://elsewhere.example' }), told, '{"v":9}', 'what is this', sent(c.companyId, [row('last')]));
    await until('the last', async () => (await stored(c)).some((e) => e.messageId === 'last'));
    assert.equal((await stored(c)).length, 1);
    const logged = trackMate.logs().map((entry) => String(entry.message)).join('\n');
    for (const code of ['unknown_company', 'origin_not_allowed', 'invalid_key']) assert.match(logged, new RegExp(`rejected: ${code}`));
    const [refused] = await until('it is noted', async () => {
      const { rejected } = (await c.get('/api/admin/events/rejected')).body;
      return rejected.length > 0 && rejected;
    });
    assert.deepEqual([refused.code, refused.messageId, refused.eventType, refused.eventData], ['origin_not_allowed', 'y', 'kept', { a: 'number' }]);
  });

  test('and spilled against its company’s plan is noted as rejected, and the rest of its request is stored', async () => {
    const c = await newCompany(trackMate);
    const plan = { mode: 'reject', events: { kept: { properties: { a: { type: 'number' } } } } };
    assert.equal((await c.call('PUT', '/api/admin/plan', plan, c.admin)).status, 200);
    const wrong = (id) => ({ ...row(id), d: { a: 'text' } });
    await send(sent(c.companyId, [row('good'), wrong('bad')]));
    await until('the good one', async () => (await stored(c)).some((e) => e.messageId === 'good'));
    const [refused] = await until('it is noted', async () => {
      const { rejected } = (await c.get('/api/admin/events/rejected')).body;
      return rejected.length > 0 && rejected;
    });
    assert.deepEqual([refused.code, refused.field, refused.messageId, refused.eventData], ['plan_violation', 'eventData.a', 'bad', { a: 'string(4)' }]);
    assert.equal((await stored(c)).length, 1);
  });

  test('and spilled by a server is told of item by item, where only the database could refuse it', async () => {
    const c = await newCompany(trackMate);
    assert.equal((await c.call('PUT', '/api/admin/plan', { mode: 'reject', events: { kept: {} } }, c.admin)).status, 200);
    const who = { address: null, email: null, user: null, session: null };
    const told = (rows, single, more = {}) =>
      JSON.stringify({ v: 1, at: 1_760_788_800_000, work: { told: { hash: hashOf(c.serverKey), company_id: null, about: { who: { ...who, ...more }, at: 0, sent_ms: null }, rows, user: null, merge: false, single } } });
    await send(told([row('t1'), row('t2', 'other')], false), told([row('t3', 'other')], true), told([row('t4'), row('t5')], false, { user: 'nobody' }));
    const rejected = await until('all four are noted', async () => (await refusals(c)).length === 4 && (await refusals(c)));
    assert.deepEqual(rejected, [['server', 'plan_violation', 't2'], ['server', 'plan_violation', 't3'], ['server', 'unknown_user', 't4'], ['server', 'unknown_user', 't5']]);
    assert.deepEqual((await stored(c)).map((e) => e.messageId), ['t1']);
  });

  test('and spilled by another vendor’s client is told of item by item, or as a whole', async () => {
    const c = await newCompany(trackMate);
    await c.call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'], identityVerification: 'required' }, c.admin);
    const foreign = (key, batch, origin = null) => JSON.stringify({ v: 1, at: 1_760_788_800_000, work: { foreign: { family: 'SegmentBatch', key, body: { batch }, origin, agent: null, seed: 'seed' } } });
    const [page, server] = [{ Public: c.companyId }, { Server: hashOf(c.serverKey) }];
    const track = (messageId, more = {}) => ({ type: 'track', event: 'kept', userId: 'u-1', messageId, ...more });
    const identify = { type: 'identify', anonymousId: 'v-1', userId: 'u-1', messageId: 'f2', traits: { plan: 'gold' } };
    await send(foreign(page, [track('f1'), identify, track('f3', { event: undefined, properties: { n: 7 } })]));
    await send(foreign(server, [track('f4'), track('f5', { timestamp: 'soon' })]), foreign(page, [track('f6')], 'https://elsewhere.example'));
    const rejected = await until('all are noted', async () => (await refusals(c)).length === 4 && (await refusals(c)));
    assert.deepEqual(rejected, [['browser', 'identity_unproved', 'f2'], ['browser', 'missing_field', 'f3'], ['browser', 'origin_not_allowed', null], ['server', 'invalid_timestamp', 'f5']]);
    assert.deepEqual((await stored(c)).map((e) => e.messageId).sort(), ['f1', 'f4']);
  });
});

describe('what was queued and cannot be stored', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate({}, { BUFFER_RETRIES: 1 });
  });
  after(() => trackMate?.close());

  test('is told to its company by shape and to the operator, and a copy of it can be replayed', async () => {
    const c = await newCompany(trackMate);
    const d1 = await trackMate.d1();
    const at = 1_760_788_800_000;
    const row = (i) => ({ i, t: at * 1000, n: 'kept', d: { email: 'ada@example.com' } });
    const message = (work) => JSON.stringify({ v: 1, at, work });
    const sent = { company: c.companyId, session: 'session_1', context: null, origin: null, bot: false, sent_ms: null, rows: [row('a'), row('b')] };
    const told = { hash: createHash('sha256').update(c.serverKey).digest('hex'), company_id: null, about: { who: { address: 'ada@example.com', email: null, user: null, session: null }, at: 0, sent_ms: null }, rows: [row('c')], user: null, merge: false };
    const foreign = { family: 'SegmentBatch', key: { Public: c.companyId }, body: { batch: [{ type: 'track', event: 'kept', anonymousId: 'v', messageId: 'd' }] }, origin: null, agent: null, seed: 'seed' };
    // Storing fails every time: a table is missing, as after a migration that was forgotten.
    await d1.prepare('alter table deliveries rename to deliveries_gone').run();
    const queue = await trackMate.spill();
    for (const text of [message({ sent }), message({ told }), message({ foreign }), 'what is this']) await queue.send(text, { contentType: 'text' });
    const rejected = await until('all are told of', async () => {
      const list = (await c.get('/api/admin/events/rejected')).body.rejected;
      return list.length === 4 && list;
    });
    const shape = { email: 'string(15)' };
    assert.deepEqual(rejected.map((e) => [e.code, e.door, e.messageId, e.eventData]).sort(), [
      ['not_stored', 'browser', 'a', shape], ['not_stored', 'browser', 'b', shape], ['not_stored', 'browser', null, null], ['not_stored', 'server', 'c', shape],
    ].sort());
    assert.ok(!JSON.stringify(rejected).includes('ada@'));
    const logged = await until('the operator is told', () => {
      const text = trackMate.logs().map((entry) => String(entry.message)).join('\n');
      return /unknown form was given up/.test(text) && text;
    });
    assert.match(logged, new RegExp(`2 QUEUED ITEMS of 2025-10-18T12:00:00.000Z were given up: ${c.companyId}`));
    assert.ok(!logged.includes('ada@'));

    await d1.prepare('alter table deliveries_gone rename to deliveries').run();
    await until('all are stored once they are replayed', async () => {
      const ids = (await c.get('/api/admin/export/events/json')).body.events.map((e) => e.messageId).filter(Boolean).sort();
      return ids.length >= 4 && (assert.deepEqual(ids, ['a', 'b', 'c', 'd']), true);
    });
  });

  test('and rubbish that names companies which nobody has hides no company’s own rejected items', async () => {
    const c = await newCompany(trackMate);
    await c.track(c.session(), { eventType: 'known' });
    const broken = (company) => c.call('POST', '/api/events', `{"company_id":"${company}","events":[`);
    for (let n = 0; n < 250; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => broken(`TM-MADEUP${(n + i) % 7}`)));
    await broken(c.companyId);
    await until('it is noted', async () => (await c.get('/api/admin/events/rejected')).body.rejected.some((e) => e.code === 'invalid_json'));
  });
});

describe('what a list holds', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());

  const memory = (answer) => Number(/memory=(\d+)/.exec(answer.headers.get('x-isolate'))[1]);
  const text = (bytes) => `'"' || printf('%.*c', ${bytes}, 'x') || '"'`;
  const numbers = (count) => `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`;

  /** Somebody with all that may be large, written straight into the database: two hundred requests say less. */
  async function fill(c) {
    const d1 = await trackMate.d1();
    const run = (sql) => d1.prepare(sql).bind(c.companyId).run();
    const { profileId } = (await c.identify(c.session(), 'large@example.com')).body;
    const { id: subscription } = await c.subscribe('https://crm.example/hook', ['none']);
    const session = 'large';
    const fields = (count, bytes) => `(select json_group_object('f' || k.value, json_array(1, 'm', json_array(printf('%.*c', ${bytes}, 'x')))) from json_each('[${Array.from({ length: count }, (_, k) => k)}]') as k)`;
    await run(`${numbers(150)} insert into profiles (company, id, email, traits, server_session, created_at, registered_at, registered_id)
      select ?1, 'p' || i, 'p' || i || '@example.com', '{"t":' || ${text(31_000)} || '}', 'webhook_p' || i, 1, 1, 'm' from n`);
    await run(`${numbers(60)} insert into groups (company, id, kind, key, first_ts, claimed_traits, trusted_traits) select ?1, 'g' || i, 'group', 'g' || i, 1, ${fields(90, 8000)}, '{}' from n`);
    await run(`${numbers(150)} insert into links (company, session, at, id, profile, events, first_ts, last_ts, has_records) select ?1, 'm' || i, 1, 'm' || i, 'p' || i, 1, 1, 1, 1 from n`);
    await run(`${numbers(150)} insert into memberships (company, session, group_id, ts) select ?1, 'm' || i, 'g1', 1 from n`);
    await run(`insert into links (company, session, at, id, profile, events, first_ts, last_ts, has_records) values (?1, '${session}', 1, 'l', '${profileId}', 300, 1, 300, 1)`);
    await run(`${numbers(300)} insert into events (company, source, message_id, session, ts, type, data, request, received_at)
      select ?1, 1, 'big' || i, '${session}', i, 'big', '{"t":' || ${text(31_000)} || '}', 1, 1 from n`);
    await run(`${numbers(2000)} insert into events (company, source, message_id, session, ts, type, data, request, received_at)
      select ?1, 0, 'mid' || i, 'nobody', i, 'mid' || (i % 50), '{"t":' || ${text(4000)} || '}', 1, 1 from n`);
    await run(`${numbers(60)} insert into records (company, kind, id, session, placed_ts, placed_id, first_ts, last_ts, scans, fields) select ?1, 'booking', 'r' || i, '${session}', i, 'm', i, i, 0, ${fields(90, 8000)} from n`);
    await run(`${numbers(60)} insert into deliveries (company, id, subscription, source, message_id, event, state, attempts, due_at, body, created_at, attempt_at, attempt_url, attempt_success, attempt_response_body, attempt_duration_ms)
      select ?1, format('%012x%020x', 1, i), '${subscription}', 1, 'big1', 'big', 'exhausted', 40, 1, '{"t":' || ${text(60_000)} || '}', 1, 1, 'https://crm.example/hook', 0, printf('%.*c', 16384, 'x'), 1 from n`);
    await run(`${numbers(60)}, k (j) as (select 1 union all select j + 1 from k where j < 39) insert into attempts (company, delivery, attempt, at, url, success, response_body, duration_ms)
      select ?1, format('%012x%020x', 1, i), j, 1, 'https://crm.example/hook', 0, printf('%.*c', 16384, 'x'), 1 from n cross join k`);
    await run(`${numbers(300)} insert into exports (company, id, key_id, key_prefix, kind, format, filters, snapshot, state, marks, request, started_at, touched_at)
      select ?1, printf('exp_%04d', i), 'k', 'k', 'users', 'csv', '{"search":' || ${text(20_000)} || '}', 1, 'complete', '[]', 'r', 1, 1 from n`);
    return { profileId, subscription };
  }

  test('is shown in pages of some megabytes, each item once, and takes little of an isolate’s memory', async (t) => {
    const c = await newCompany(trackMate);
    const { profileId, subscription } = await fill(c);
    const before = memory(await c.get('/api/admin/keys'));
    const lists = [
      ['users?limit=1000', 'users', 151],
      ['users?limit=1000&sortBy=createdAt&sortOrder=desc', 'users', 151],
      ['users?limit=1000&includeBookings=true', 'users', 151],
      ['groups?limit=100', 'groups', 60],
      ['groups/g1/members?limit=500', 'members', 150],
      [`users/${profileId}/timeline?limit=500`, 'events', 301],
      [`users/${profileId}/records?limit=200`, 'records', 60],
      [`webhooks/${subscription}/deliveries?limit=50`, 'deliveries', 60],
      ['exports?limit=500', 'exports', 300],
    ];
    const most = {};
    const took = (name, answer) => {
      most[name] = Math.max(most[name] ?? 0, memory(answer) - before);
      const length = JSON.stringify(answer.body).length;
      assert.ok(length < 5 * MB, `${name}: an answer of ${length} bytes`);
    };
    for (const [path, name, count] of lists) {
      const seen = [];
      let pages = 0;
      for (let cursor = ''; cursor !== null; pages += 1) {
        const answer = await c.get(`/api/admin/${path}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        took(path, answer);
        const { hasMore, nextCursor } = answer.body.pagination;
        assert.equal(hasMore, nextCursor !== null);
        cursor = nextCursor;
        seen.push(...answer.body[name].map((item) => item.id ?? item.messageId));
      }
      assert.deepEqual([path, seen.length, new Set(seen).size], [path, count, count]);
      assert.ok(pages > 1, `${path}: one page`);
    }
    // By offset, as the page itself says how far it came.
    const byOffset = [];
    for (let more = true; more; ) {
      const { body } = await c.get(`/api/admin/users?limit=1000&offset=${byOffset.length}`);
      byOffset.push(...body.users.map((user) => user.id));
      more = body.pagination.hasMore;
    }
    assert.deepEqual([byOffset.length, new Set(byOffset).size], [151, 151]);
    // What has no pages shows what fits and says how much there is.
    const receipt = await c.get('/api/admin/events/big1');
    took('receipt', receipt);
    assert.equal(receipt.body.deliveries.length, 60);
    assert.ok(receipt.body.deliveries.every((d) => d.attemptsMade === 40 && d.attempts.length <= 20));
    assert.deepEqual(receipt.body.deliveries[0].attempts.map((a) => a.attempt), Array.from({ length: 20 }, (_, n) => n + 21), 'the latest');
    const webhook = await c.get(`/api/admin/webhooks/${subscription}`);
    took('webhook', webhook);
    assert.ok(webhook.body.deliveries.length > 1);
    const user = await c.get(`/api/admin/users/${profileId}?includeBookings=true`);
    took('user', user);
    assert.ok(user.body.user.bookings.length > 0 && user.body.user.hasMoreOf.includes('booking'));
    const inferred = await c.call('POST', '/api/admin/plan/infer', {}, c.admin);
    assert.equal(inferred.status, 200);
    took('infer', inferred);
    t.diagnostic(`bytes of memory beyond ${before}, all so far: ${JSON.stringify(most)}`);
    for (const [name, bytes] of Object.entries(most)) assert.ok(bytes <= 20 * MB, `${name}: ${bytes} bytes`);
  });
});
