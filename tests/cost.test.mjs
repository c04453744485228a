// What every operation of the API and every step of a delivery's life costs, by D1's own counts, on
// a Worker that does nothing else. The figures stand in docs/cost.md and only there; the capacity
// model reads them (bench/capacity/inputs.mjs). `make cost` writes them; this test fails while they
// are not what is measured.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { populate } from './support/crowd.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { REFUSED_WITHOUT_CELLS, callOperation, credentials, inOrder, operations, ownExample, prepareCompany } from './support/operations.mjs';
import { newCompany } from './support/people.mjs';
import { startReceiver } from './support/receiver.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Events of one request. */
const MANY = 10;
/** Events of a request of the SDK on an ordinary visit. */
const VISIT = 6;
/** How many of each kind are stored to measure their bytes; the bytes of an event in JSON. */
const STORED = 250;
const EVENT_BYTES = 300;
/** Events of a session. */
const SESSION = 20;
/** The sweep counts the past hours of a company every six hours. */
const TURN = 'update hour_counts set due_at = 0 where company = ?1';

/** Makes what a company has older. ?1 company, ?2 ms */
const AGE = {
  deliveries: [
    `update attempts set delivery = (select format('%012x', created_at - ?2) || substr(id, 13) from deliveries where id = attempts.delivery)
     where company = ?1`,
    `update deliveries set id = format('%012x', created_at - ?2) || substr(id, 13), created_at = created_at - ?2, finished_at = finished_at - ?2
     where company = ?1`,
  ],
  events: ['update events set received_at = received_at - ?2 where company = ?1'],
};

const FILE = new URL('../docs/cost.md', import.meta.url);
const WRITES = Boolean(process.env.COST_WRITE);

/**
 * What an operation costs more with. The bounds are in the table of ARCHITECTURE.md, which
 * tests/bounds.test.mjs checks. An operation that is not here costs the same whatever is stored.
 */
const GROWS = Object.fromEntries(Object.entries({
  'the page': `listAudit listIncoming streamIncoming listRejected listExports listGroups listMembers
    listIdentities listRecords getTimeline listDeliveries getWebhook readBackup`,
  'the page; people, unless by id': 'listUsers',
  'people': 'countUsers exportUsers',
  'events': 'countEvents',
  'what is exported': 'exportEvents exportUser',
  'events, people, links, deliveries': 'getStats',
  'events of the last days': 'inferPlan',
  'names of events': 'getCatalog',
  'deliveries of the event': 'getReceipt',
  'members': 'getGroup changeGroup deleteGroup',
  'records of the person': 'getUser changeUser setCustomFields addTags removeTags',
  'what both people have': 'mergeUsers undoIdentity',
  'what the person has': 'eraseUser',
  'keys': 'listOwnKeys addOwnKey listKeys addKey',
  'keys, a row written for each': 'setPlan',
  'companies': 'listCompanies',
  'the page of moves': 'listMoves',
  'cells': 'listCells moveCompany',
  'webhooks': `listWebhooks addWebhook addContact addEvents identify addServerEvents jitsu jitsuServer segment
    posthogBatch posthogCapture posthogEvent posthogIngest rudderstackBeacon`,
  'deliveries': 'recoverDeliveries',
}).flatMap(([what, ids]) => ids.split(/\s+/).map((id) => [id, what])));
/** The names of the examples' events. */
const NAMES = [
  ...['payment_processed', 'page_view', 'Order Completed', 'order completed'],
  ...['registration.submitted', 'identify', 'user_registered'],
];
/** Operations that change what others cost, for example because somebody watches from then on. */
const LATE = ['listIncoming', 'streamIncoming', 'changeWebhook', 'setPlan', 'changeSettings', 'testFunnel'];

/** The isolate's cost in D1 so far, with all that happens after answers. Asking costs nothing. */
async function total(trackMate) {
  const { headers } = await trackMate.call('GET', '/healthz');
  const counts = headers.get('x-isolate').matchAll(/(trips|read|written)=(\d+)/g);
  return Object.fromEntries([...counts].map(([, name, n]) => [name, Number(n)]));
}

/** … once it no longer grows. */
async function quietTotal(trackMate) {
  let [last, same] = [{}, 0];
  return until('nothing more is read or written', async () => {
    const now = await total(trackMate);
    same = now.trips === last.trips ? same + 1 : 0;
    last = now;
    return same >= 6 && now;
  });
}

const between = (start, end) => Object.fromEntries(Object.keys(end).map((name) => [name, end[name] - start[name]]));

/** What an act costs in all: {trips, read, written}. */
async function costOf(trackMate, act) {
  const start = await quietTotal(trackMate);
  await act();
  return between(start, await quietTotal(trackMate));
}

/** Sends an operation its example. Returns its cost before the answer, which a stream does not have. */
async function sendExample(world, operation, place) {
  const example = operation.requestBody?.content['application/json'].example;
  const body = example && fresh(ownExample(world, example), operation, place);
  const answer = await callOperation(world, operation, body, credentials(world, operation));
  assert.equal(answer.status, REFUSED_WITHOUT_CELLS[operation.operationId] ?? 200, `${operation.operationId}: ${JSON.stringify(answer.body)}`);
  return answer.cost;
}

/** The example with a time of its own, so that it repeats no event, and with no webhook that other examples reach. */
function fresh(body, { operationId }, place) {
  if (operationId === 'addWebhook') return { ...body, events: ['nothing'] };
  const at = new Date(Date.UTC(2025, 9, 18, 10, 0, place)).toISOString();
  return JSON.parse(JSON.stringify(body).replaceAll(/2025-10-18T10:00:00(\.000)?Z/g, at));
}

/** A company for all operations, in which no event has a new name and no webhook wants any event. */
async function prepare(trackMate) {
  const world = await prepareCompany(trackMate);
  const events = NAMES.map((eventType) => ({ eventType }));
  await world.c.track(world.c.session(), ...events);
  await world.c.tryServer({ events });
  await world.c.call('PATCH', `/api/admin/webhooks/${world.ids.webhooks}`, { events: ['nothing'] }, world.c.admin);
  return world;
}

/** More of everything that a company and its first person have. */
async function enlarge({ trackMate, c, ids }) {
  await populate(await trackMate.d1(), c.companyId, 3_000);
  const many = (count, item) => Array.from({ length: count }, (_, n) => item(n));
  for (let n = 0; n < 6; n += 1) await c.track(c.session(), ...many(500, () => ({ eventType: 'page_view' })));
  for (let n = 0; n < 25; n += 1) {
    await c.subscribe('http://127.0.0.1:9/hook', [`nothing${n}`]);
    await c.call('POST', '/api/admin/keys', { name: `k${n}`, scope: 'server' }, c.admin);
  }
  const own = [
    many(100, () => ({ eventType: 'page_view' })),
    many(30, (n) => ({ eventType: 'booking.created', eventData: { booking: { id: `more-${n}` } } })),
    many(30, (n) => ({ eventType: 'group', eventData: { groupId: `more-${n}` } })),
  ];
  for (const events of own) await c.tryServer({ identifier: { userId: ids.users }, events });
  for (let n = 0; n < 30; n += 1) {
    const joined = { eventType: 'group', eventData: { groupId: 'acme' } };
    const { body } = await c.tryServer({ identifier: { email: `member${n}@example.com` }, ...joined });
    assert.equal(body.success, true);
  }
}

/** Events as the SDK sends them, with data that make them as long as an ordinary one. */
const ordinary = (count) =>
  Array.from({ length: count }, () => {
    const identity = { messageId: randomUUID(), timestamp: new Date().toISOString() };
    const event = { eventType: 'page_view', ...identity, eventData: { title: '' } };
    event.eventData.title = 'x'.repeat(EVENT_BYTES - JSON.stringify(event).length);
    return event;
  });

/** Calls a function with each number below `count`, ten at a time. */
async function each(count, act) {
  const numbers = Array.from({ length: count }, (_, n) => n);
  for (let n = 0; n < count; n += 10) await Promise.all(numbers.slice(n, n + 10).map(act));
}

const shown = (n) => n.toLocaleString('en-US');
const row = (cells) => `| ${cells.join(' | ')} |`;

/** A bound that is easy to read, with room for the few rows by which ranges of random ids differ. */
const bound = (read) => [20, 50, 100, 200, 500, 1000, 2000, 5000].find((step) => read + 10 <= step);
/** What docs/cost.md states for a line as `≤ …`, or NaN. */
function stated(text, start) {
  const line = text.split('\n').find((one) => one.startsWith(start));
  return Number(/≤ ([\d,]+) /.exec(line)?.[1].replaceAll(',', ''));
}
/** The bound that docs/cost.md states for a line, as long as it is one: below it, and not far. */
function statedBound(text, start, read) {
  const now = stated(text, start);
  return read <= now && now <= 5 * Math.max(read, 10) ? now : bound(read);
}
/** … of bytes, which differ by some pages of the database from run to run. */
function statedBytes(text, start, bytes) {
  const now = stated(text, start);
  return bytes <= now && now <= 1.6 * bytes ? now : Math.ceil((bytes * 1.1) / 50) * 50;
}

/** The table of what has a cost in round trips and rows. */
function costTable(what, lines, text) {
  const most = (name, read) => `≤ ${shown(statedBound(text, `| ${name} |`, read))}`;
  const line = ([name, { trips, read, written }]) => row([name, trips, most(name, read), written]);
  return [row([what, 'round trips', 'rows read', 'rows written']), '|---|---:|---:|---:|', ...lines.map(line)];
}

function operationTable(text, costs) {
  const lines = operations.map(({ method, path, operationId }) => {
    const { before: trips, all } = costs[operationId];
    const start = `| \`${method.toUpperCase()} ${path}\` |`;
    const after = trips === undefined ? 'stream' : all.trips - trips;
    const read = all.read === 0 ? 0 : `≤ ${shown(statedBound(text, start, all.read))}`;
    return row([start.slice(2, -2), all.trips, after, read, all.written, GROWS[operationId] ?? '']);
  });
  const head = ['operation', 'round trips', 'of them after the answer', 'rows read', 'rows written', 'costs more with'];
  return [row(head), '|---|---:|---:|---:|---:|---|', ...lines];
}

/** Fails unless the block of docs/cost.md has these lines; writes them for `make cost`. */
function assertBlock(name, linesOf) {
  const text = readFileSync(FILE, 'utf8');
  const lines = linesOf(text);
  const block = new RegExp(`(<!-- ${name} -->\n)[^]*?(\n<!-- /${name} -->)`);
  assert.match(text, block);
  const wanted = text.replace(block, (_, start, end) => start + lines.join('\n') + end);
  if (WRITES) writeFileSync(FILE, wanted);
  else assert.equal(text, wanted, 'make cost writes it');
}

describe('docs/cost.md', () => {
  let trackMate;

  before(async () => {
    trackMate = await startTrackMate();
    // The isolate's start looks for the remains of a crash, now and after seven seconds.
    const d1 = await trackMate.d1();
    const turn = () => d1.prepare("select place from progress where job = 'start'").first('place');
    await total(trackMate);
    const first = await until('the start of the isolate', turn);
    await until('its second half', async () => (await turn()) !== first);
  });
  after(() => trackMate?.close());

  // First, because what the sweep looks through are the companies of all tests.
  test('has the cost of each step of a delivery, and of what the sweep deletes, as it is measured', async () => {
    const c = await newCompany(trackMate);
    const refused = new Set();
    const receiver = await startReceiver(({ json }) => {
      const { messageId } = json.metadata;
      const refuses = messageId.startsWith('refused') && !refused.has(messageId);
      refused.add(messageId);
      return refuses ? 500 : 200;
    });
    await c.subscribe(receiver.url, ['paid']);
    const send = (eventType, count, name = eventType) => {
      const event = (n) => ({ eventType, messageId: `${name}-${n}` });
      return c.tryServer({ events: Array.from({ length: count }, (_, n) => event(n)) });
    };
    for (const eventType of ['unpaid', 'paid']) await send(eventType, 1, `first-${eventType}`);

    const unpaid = await send('unpaid', MANY);
    let paid;
    const many = await costOf(trackMate, async () => (paid = await send('paid', MANY)));
    let one;
    const settled = await costOf(trackMate, async () => (one = await send('paid', 1, 'one')));
    const retried = await costOf(trackMate, async () => {
      await send('paid', 1, 'refused');
      const attempts = () => receiver.requests.filter(({ json }) => json.metadata.messageId === 'refused-0');
      await until('the second attempt', () => attempts().length === 2);
    });
    receiver.close();
    const beyondAnswer = (cost) => between(one.cost, cost);
    const [attempt, retry] = [settled, retried].map(beyondAnswer);
    const shared = many.written - paid.cost.written;
    assert.ok(shared <= MANY * attempt.written, 'attempts of one request share what they write');

    await trackMate.sweep();
    const idle = await costOf(trackMate, trackMate.sweep);
    const d1 = await trackMate.d1();
    const age = (table) => d1.batch(AGE[table].map((sql) => d1.prepare(sql).bind(c.companyId, 40 * DAY_MS)));
    const counting = (table) => d1.prepare(`select count(*) as n from ${table} where company = ?1`);
    const count = (table) => counting(table).bind(c.companyId).first('n');
    const deletes = async (table) => {
      const before = await count(table);
      const cost = await costOf(trackMate, trackMate.sweep);
      assert.equal(await count(table), 0);
      return { count: before, ...between(idle, cost) };
    };
    const counts = async () => {
      await d1.prepare(TURN).bind(c.companyId).run();
      return costOf(trackMate, trackMate.sweep);
    };
    await counts();
    const turn = between(idle, await counts());
    await age('deliveries');
    const pruned = await deletes('deliveries');
    await c.call('PATCH', '/api/admin/settings', { eventRetentionDays: 1 }, c.admin);
    await age('events');
    const forgotten = await deletes('events');
    const per = (name) => (paid.cost[name] - unpaid.cost[name]) / MANY;
    const inOne = { trips: per('trips'), read: Math.ceil(per('read')), written: per('written') };
    const lines = [
      ['a delivery is written with its event', inOne],
      ['its first attempt succeeds', attempt],
      ['its first attempt fails and the second one succeeds', retry],
      [`the sweep deletes ${pruned.count} old deliveries with their attempts`, pruned],
      [`the sweep deletes ${forgotten.count} old events`, forgotten],
      ['the sweep looks whether a company has hours to count, every six hours', turn],
      ['the sweep finds nothing, once a minute', idle],
    ];
    assertBlock('steps', (text) => costTable('step', lines, text));
  });

  test('has what an ordinary visit costs, and how many bytes each stored thing takes, as it is measured', async () => {
    const c = await newCompany(trackMate);
    const session = c.session();
    await c.track(session, ...ordinary(1));
    const visit = (await c.track(session, ...ordinary(VISIT))).cost;
    const line = [`a request of ${VISIT} events of a known session`, visit];
    assertBlock('visit', (text) => costTable('request', [line], text));

    const d1 = await trackMate.d1();
    const growth = async (act) => {
      const size = async () => (await d1.prepare('select 1').run()).meta.size_after;
      const before = await size();
      await act();
      return (await size()) - before;
    };
    const sessions = Array.from({ length: STORED }, c.session);
    const track = (n) => c.track(sessions[n], ...ordinary(SESSION));
    const event = (await growth(() => each(STORED, track))) / (SESSION * STORED);
    const identify = (n) => c.identify(sessions[n], `person${n}@example.com`, { name: `Person Number ${n}` });
    const person = (await growth(() => each(STORED, identify))) / STORED;
    const receiver = await startReceiver();
    const webhook = await c.subscribe(receiver.url, ['page_view']);
    const sent = await growth(async () => {
      await each(STORED / 10, (n) => c.track(sessions[n], ...ordinary(10)));
      const done = "select count(*) as n from deliveries where subscription = ?1 and state = 'delivered'";
      await until('all are delivered', async () => (await d1.prepare(done).bind(webhook.id).first('n')) === STORED);
    });
    receiver.close();
    const lines = [
      [`an event of ${EVENT_BYTES} bytes, one of ${SESSION} in a session`, event],
      ['a person who was identified once, with that event', person],
      ['a delivery with its attempt', sent / STORED - event],
    ];
    assertBlock('stored', (text) => {
      const bytes = (name, exact) => `≤ ${shown(statedBytes(text, `| ${name} |`, exact))}`;
      return [row(['stored', 'bytes in D1']), '|---|---:|', ...lines.map(([name, exact]) => row([name, bytes(name, exact)]))];
    });
  });

  test('has the cost of every operation as it is measured', async () => {
    const world = await prepare(trackMate);
    const costs = {};
    let start = await quietTotal(trackMate);
    for (const [place, operation] of inOrder(LATE).entries()) {
      const { trips: before } = await sendExample(world, operation, place);
      const end = await quietTotal(trackMate);
      costs[operation.operationId] = { before, all: between(start, end) };
      start = end;
    }
    world.receiver.close();
    assert.equal(Object.keys(costs).length, operations.length);
    assertBlock('operations', (text) => operationTable(text, costs));
  });

  test('says which operations read more rows when more is stored: all others read and write the same', async () => {
    const measure = async (more) => {
      const world = await prepare(trackMate);
      await more(world);
      const costs = {};
      for (const [place, operation] of inOrder(LATE).entries()) {
        costs[operation.operationId] = await sendExample(world, operation, place);
      }
      world.receiver.close();
      return costs;
    };
    const small = await measure(() => {});
    const large = await measure(enlarge);
    const more = Object.keys(small).filter((id) => large[id].read - small[id].read > 20);
    assert.deepEqual(more.filter((id) => !(id in GROWS)), []);
    for (const [id, { trips, written }] of Object.entries(small)) {
      // An isolate remembers for some seconds that it is ready.
      if (!(id in GROWS) && id !== 'ready') assert.deepEqual([id, large[id].trips, large[id].written], [id, trips, written]);
    }
  });
});
