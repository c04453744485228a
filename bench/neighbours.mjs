// `make bench-neighbours`: what one company notes of all that others do in the same database, which is as much as they may.
// README.md says how to read it. Writes neighbours.md. EVENTS makes the large company smaller, REQUESTS and ROUNDS the run shorter.
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { populate } from '../tests/support/crowd.mjs';
import { startReceiver } from '../tests/support/receiver.mjs';
import { SMOKE, conclude, machine, percentiles, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';
import { call, createCompany, startTrackMate } from './trackmate.mjs';
import { path } from './worker.mjs';

const EVENTS = whole('EVENTS', 1_000_000, 1_000);
const ROUNDS = whole('ROUNDS', 3, 1);
/** Events that are measured in each arm of each round, one after the other, with a pause between two. */
const REQUESTS = whole('REQUESTS', 300, 5);
const PAUSE_MS = 10;
/** An arm ends after so long, for an event may wait for seconds in one. */
const ARM_MS_MAX = 15_000;
/** Due deliveries, and retries, that are measured in each round. */
const DELIVERIES = SMOKE ? 1 : 3;
const DELIVERY_MS_MAX = 30_000;
/** The sweep is called so often, as `make dev` does. A cron calls it once a minute. */
const SWEEP_MS = SMOKE ? 500 : 5000;
const SLOW_READER_MS = 200;
/** Pause of others between two acts of theirs: none, but a smoke test leaves the processor to others. */
const LOAD_PAUSE_MS = SMOKE ? 300 : 0;
/** So often the figures of one range are read in an arm: as by sixty open dashboards. */
const FIGURES_MS = 1000;

const DEAD = 1050;
const HANGING = { webhooks: 4, each: 50 };
const FORGED = { identifies: SMOKE ? 20 : 300, traitsBytes: 25_000 };

const MB = 1024 * 1024;
const GOALS = { times: 2, dueMs: 10_000, retryMs: 2000, read: 2000, bytes: 20 * MB };

const admin = ({ adminKey }) => ({ 'x-admin-id': adminKey });

// The state that others make.

/** A company with very many events of the last thirty days, fifty a session, a session a person. */
async function fillLarge(trackMate, { id }) {
  const people = Math.ceil(EVENTS / 50);
  await populate(trackMate.d1, id, people);
  const now = Date.now();
  const links = `insert into links (company, session, at, id, profile, events, first_ts, last_ts)
    select ?1, 's' || n, 1, 'i' || n, id, 50, (?2 - n * cast(?3 as integer)) * 1000, (?2 - n * cast(?3 as integer) + 49) * 1000
    from (select id, row_number() over (order by id) - 1 as n from profiles where company = ?1)`;
  const spread = Math.floor((29 * 86_400_000) / people);
  await trackMate.d1.prepare(links).bind(id, now - 60_000, spread).run();
  const insert = `with recursive n (i) as (select cast(?2 as integer) union all select i + 1 from n where i + 1 < ?3)
    insert into events (company, source, message_id, session, ts, type, data, request, received_at)
    select ?1, 0, printf('m%09d', i), 's' || (i / 50), (?4 - (i / 50) * cast(?5 as integer) + i % 50) * 1000, 'page_view_' || (i % 20),
      json_object('address', 'https://shop.example/p/' || i, 'title', 'A page of a shop'), 1, ?4 - (i / 50) * cast(?5 as integer) from n`;
  for (let from = 0; from < EVENTS; from += 20_000) {
    await trackMate.d1.prepare(insert).bind(id, from, Math.min(from + 20_000, EVENTS), now - 60_000, spread).run();
  }
}

let planted = 0;

/** Deliveries of a deleted webhook, due, as a release that did not end them left them behind. The sweep ends them, so each round has its own. */
async function plantDead(trackMate, { id }) {
  planted += 1;
  const insert = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
    insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
    select ?1, format('%012x%010x%010x', 1, ?3, i), 'wh_deleted', 1, 'm' || i, 'e', 'pending', 1, 1 from n`;
  await trackMate.d1.prepare(insert).bind(id, DEAD, planted).run();
}

/** Webhooks at a receiver that never answers, with more deliveries than the Worker attempts at a time. */
async function plantHanging(trackMate, company, receiver, round) {
  const headers = admin(company);
  const { body } = await call(trackMate.url, 'GET', '/api/admin/webhooks', undefined, headers);
  for (const { id } of body.webhooks) await call(trackMate.url, 'DELETE', `/api/admin/webhooks/${id}`, undefined, headers);
  for (let n = 0; n < HANGING.webhooks; n += 1) {
    const webhook = { name: `hangs ${n}`, url: `${receiver.url}/${round}/${n}`, events: ['hang'], timeoutMs: 30_000, retryDelay: 1, retryAttempts: 5 };
    await call(trackMate.url, 'POST', '/api/admin/webhooks', webhook, headers);
  }
  const events = Array.from({ length: HANGING.each }, () => ({ eventType: 'hang' }));
  await call(trackMate.url, 'POST', '/api/webhooks/events', { events }, { 'x-trackmate-api-key': company.serverKey });
}

const VICTIM = 'victim@shop.example';
const claim = ({ id }, n) => ({
  company_id: id,
  sessionId: `forged-${n}`,
  email: VICTIM,
  messageId: `forged-${n}`,
  [`note${n}`]: 'x'.repeat(FORGED.traitsBytes),
});

// What is measured.

/** One event after the other → ms of each. `door` is {trackMate, company}. */
async function events({ trackMate, company }, count, during = () => true) {
  const took = [];
  const deadline = performance.now() + ARM_MS_MAX;
  for (let n = 0; n < count && performance.now() < deadline && during(); n += 1) {
    const body = { company_id: company.id, sessionId: `s${n % 7}`, events: [{ eventType: 'page_view', eventData: { n } }] };
    took.push((await call(trackMate.url, 'POST', '/api/events', body)).ms);
    await pause(PAUSE_MS);
  }
  return took;
}

/** The neighbour's webhook of this event type, whose receiver refuses the first attempt of each delivery → {send, comes}. */
async function refusing({ trackMate, company }, eventType, retryDelay) {
  const came = new Map();
  const receiver = await startReceiver(({ json, at }) => {
    const id = json.metadata.messageId;
    came.set(id, [...(came.get(id) ?? []), at]);
    return came.get(id).length === 1 ? 500 : 200;
  });
  const webhook = { name: eventType, url: receiver.url, events: [eventType], retryAttempts: 5, retryDelay };
  await call(trackMate.url, 'POST', '/api/admin/webhooks', webhook, admin(company));
  return {
    close: receiver.close,
    async send(messageId) {
      await call(trackMate.url, 'POST', '/api/webhooks/events', { eventType, messageId }, { 'x-trackmate-api-key': company.serverKey });
    },
    /** When this attempt came, ms; infinity if it did not in time. */
    async comes(messageId, attempt) {
      for (const deadline = Date.now() + DELIVERY_MS_MAX; !came.get(messageId)?.[attempt - 1]; await pause(20)) {
        if (Date.now() > deadline) return Infinity;
      }
      return came.get(messageId)[attempt - 1];
    },
  };
}

/** A side: a Worker, its neighbour and what is measured there. */
async function openSide(trackMate) {
  const side = { trackMate, company: await createCompany(trackMate), events: {}, due: {}, retry: {} };
  side.lost = await refusing(side, 'lost', 3600);
  side.refused = await refusing(side, 'refused', 1);
  await events(side, 100);
  return side;
}

/** ms by which a retry that is due after a second comes too late. */
async function retryLate(side, id) {
  await side.refused.send(id);
  const first = await side.refused.comes(id, 1);
  return (await side.refused.comes(id, 2)) - first - 1000;
}

/** ms that a delivery takes that is due and that nobody wakes. */
async function dueLate(side, id) {
  await side.lost.send(id);
  await side.lost.comes(id, 1);
  const one = side.trackMate.d1
    .prepare("update deliveries set state = 'pending', due_at = ?3 where company = ?1 and message_id = ?2 and attempts = 1 and state = 'pending' returning id")
    .bind(side.company.id, id, Date.now() - 1);
  // The first attempt has to be written down before.
  for (const deadline = Date.now() + DELIVERY_MS_MAX; !(await one.first()); await pause(20)) {
    if (Date.now() > deadline) throw new Error('a first attempt was not written down');
  }
  const began = Date.now();
  return (await side.lost.comes(id, 2)) - began;
}

let deliveries = 0;

async function measureDeliveries(side, arm) {
  const sweeping = repeat(side.trackMate.sweep, SWEEP_MS);
  for (let n = 0; n < DELIVERIES; n += 1) {
    const id = `d${(deliveries += 1)}`;
    const [due, retry] = await Promise.all([dueLate(side, `due-${id}`), retryLate(side, `retry-${id}`)]);
    (side.due[arm] ??= []).push(due);
    (side.retry[arm] ??= []).push(retry);
    console.log(`  due after ${shown(due)} ms, retry ${shown(retry)} ms late`);
  }
  await sweeping();
}

// What others do meanwhile.

/** Does it again and again, with a pause → a function that ends that. */
function repeat(act, pauseMs = 0) {
  let ended = false;
  const end = new AbortController();
  const done = (async () => {
    while (!ended) {
      await act(end.signal);
      await pause(pauseMs, undefined, { signal: end.signal }).catch(() => {});
    }
  })();
  done.catch(() => {}); // it is told when it is ended
  return async () => {
    ended = true;
    end.abort();
    await done;
  };
}

/** Reads an export to its end, or until it is told to end; a slow reader takes a piece now and then. */
const exported = (trackMate, company, pieceMs) => (signal) =>
  new Promise((resolve, reject) => {
    const asked = get(new URL('/api/admin/export/events/csv', trackMate.url), { headers: admin(company), agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`an export was answered ${answer.statusCode}`));
      answer.on('error', resolve).on('close', resolve);
      answer.on('data', () => {
        if (!pieceMs) return;
        answer.pause();
        setTimeout(() => answer.resume(), pieceMs);
      });
    });
    asked.on('error', resolve);
    signal.addEventListener('abort', () => asked.destroy());
  });

const asked = (trackMate, company, route) => () => call(trackMate.url, 'GET', route, undefined, admin(company));

const days = (n) => new Date(Date.now() - n * 86_400_000).toISOString();

function loads({ trackMate, large }) {
  const fast = exported(trackMate, large);
  const slow = exported(trackMate, large, SLOW_READER_MS);
  const figures = ([from, to]) => asked(trackMate, large, `/api/admin/stats?from=${from}&to=${to}&interval=day`)();
  const month = () => [days(29), days(0)];
  // A range that differs each time, as the same one is remembered for a minute.
  const stats = () => figures(month());
  const same = month();
  const tab = async (signal) => {
    await figures(same);
    await pause(FIGURES_MS, undefined, { signal }).catch(() => {});
  };
  const count = asked(trackMate, large, '/api/admin/export/events/count');
  return { backlog: [], export: [fast, slow], count: [count], tab: [tab], stats: [stats], all: [fast, slow, count, stats] };
}

// What one more request takes.

const doors = ({ id }) => ({
  'an event': ['/api/events', { company_id: id, sessionId: 'forged-1', events: [{ eventType: 'e' }] }],
  'an identify': ['/api/profile', claim({ id }, 'one-more')],
  'a contact': ['/api/contacts', { company_id: id, email: VICTIM, name: 'Ann', sessionId: 'forged-2' }],
  'identify of /v1': ['/v1/identify', { writeKey: id, anonymousId: 'forged-3', messageId: 'v1-i', traits: { email: VICTIM, city: 'Oslo' } }],
  'track of /v1': ['/v1/track', { writeKey: id, anonymousId: 'forged-3', messageId: 'v1-t', event: 'e' }],
  '100 events in /v1/batch': [
    '/v1/batch',
    { writeKey: id, batch: Array.from({ length: 100 }, (_, n) => ({ type: 'track', anonymousId: `forged-${n}`, messageId: `v1-b${n}`, event: 'e' })) },
  ],
});

/** One request of each kind about the person whom 300 claims are about → {name: {status, read, bytes}}. */
async function oneMore({ url }, company) {
  const memory = (response) => Number(/memory=(\d+)/.exec(response.headers.get('x-isolate'))?.[1]);
  const post = async (route, body) => {
    const response = await fetch(new URL(route, url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    await response.arrayBuffer();
    return response;
  };
  let before = memory(await post('/api/events', { company_id: company.id, sessionId: 'before', events: [{ eventType: 'e' }] }));
  const figures = {};
  for (const [name, [route, body]] of Object.entries(doors(company))) {
    const response = await post(route, body);
    const after = memory(response);
    figures[name] = { status: response.status, read: Number(/read=(\d+)/.exec(response.headers.get('x-d1-cost'))?.[1]), bytes: after - before };
    before = after;
  }
  return figures;
}

/** Takes all forged identifies back, one first and then the others, while the neighbour goes on → figures. */
async function undoAll(side, victim) {
  const undo = (n) => call(side.trackMate.url, 'POST', '/api/admin/identity/undo', { messageId: `forged-${n}` }, admin(victim));
  const found = async () => (await call(side.trackMate.url, 'GET', `/api/admin/users?email=${VICTIM}`, undefined, admin(victim))).body.users[0];
  const { id } = await found();
  const links = async () => (await call(side.trackMate.url, 'GET', `/api/admin/users/${id}/identities?limit=500`, undefined, admin(victim))).body.links.length;
  const before = await links();
  const first = await undo(0);
  const one = { ms: first.ms, links: before - (await links()) };
  let through = false;
  const began = performance.now();
  const all = (async () => {
    const took = [];
    for (let n = 1; n < FORGED.identifies; n += 1) took.push((await undo(n)).ms);
    through = true;
    return took;
  })();
  all.catch(() => (through = true));
  const meanwhile = [];
  while (!through) meanwhile.push(...(await events(side, REQUESTS, () => !through)));
  const took = await all;
  return { one, left: await links(), kept: before - FORGED.identifies, seconds: (performance.now() - began) / 1000, ...percentiles(took), meanwhile };
}

// Output.

const LABELS = { backlog: 'dead and hanging deliveries', export: '+ exports, one fast, one slow', count: '+ counts', tab: '+ the same figures once a second', stats: '+ figures', all: '+ all of it', undo: '+ 299 undos' };

function report(quiet, loaded, more, undone, facts) {
  const own = percentiles(quiet.events.quiet);
  const arms = Object.entries({ ...loaded.events, undo: undone.meanwhile }).map(([arm, took]) => [LABELS[arm], percentiles(took), took.length]);
  const rows = [];
  const goal = (what, wanted, before, during, met) => rows.push([what, wanted, before, during, verdict(met)]);
  for (const [label, { p50, p99 }] of arms) {
    const wanted = `p99 ≤ ×${GOALS.times}`;
    goal(`event, ${label}: p50 / p99 ms`, wanted, `${shown(own.p50)} / ${shown(own.p99)}`, `${shown(p50)} / ${shown(p99)}`, p99 <= GOALS.times * own.p99);
  }
  const most = (list) => Math.max(...list);
  for (const arm of ['backlog', 'all']) {
    const [due, retry] = [most(loaded.due[arm]), most(loaded.retry[arm])];
    goal(`due delivery that nobody woke, ${LABELS[arm]}: longest ms`, `≤ ${shown(GOALS.dueMs)}`, shown(most(quiet.due.quiet)), shown(due), due <= GOALS.dueMs);
    goal(`retry after a second, ${LABELS[arm]}: latest ms`, `≤ ${shown(GOALS.retryMs)}`, shown(most(quiet.retry.quiet)), shown(retry), retry <= GOALS.retryMs);
  }
  for (const [name, { before, after }] of Object.entries(more)) {
    const ok = after.status === 200 && after.read <= GOALS.read && after.bytes <= GOALS.bytes;
    const said = ({ read, bytes }) => `${shown(read)} / ${shown(bytes / MB)}`;
    goal(`${name}: rows read / MB`, `≤ ${shown(GOALS.read)} / 20`, said(before), said(after), ok);
  }
  goal('undo of one of 300 claims, ms', 'is done', '', shown(undone.one.ms), undone.one.links === 1);
  goal('undo of the other 299, s', 'ends', '', shown(undone.seconds), undone.left === undone.kept);
  table('A company beside others', ['', 'goal', 'quiet', 'loaded', ''], rows);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const lines = [
    '# What a company notices of others',
    '',
    '`make bench-neighbours` writes this page; [README.md](README.md#neighbours) says how to read it.',
    '',
    facts,
    '',
    line(['what', 'goal', 'quiet', 'loaded', '']),
    line(['---', '---', '---:', '---:', '---']),
    ...rows.map(line),
    '',
  ];
  if (!SMOKE) writeFileSync(path('bench/neighbours.md'), lines.join('\n'));
}

async function main() {
  const before = machine();
  console.log(`${shown(EVENTS)} events of another company; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  const vars = { DEV_ALLOW_LOOPBACK: '1', DEV_SHOW_COST: '1' };
  const trackMate = await startTrackMate(vars, { consumes: true });
  const quiet = await openSide(await startTrackMate(vars, { consumes: true }));
  const loaded = await openSide(trackMate);
  const [large, hanging, victim] = [await createCompany(trackMate), await createCompany(trackMate), await createCompany(trackMate)];
  const silent = await startReceiver(() => new Promise(() => {}));
  await fillLarge(trackMate, large);
  const untouched = await oneMore(quiet.trackMate, quiet.company);
  for (let n = 0; n < FORGED.identifies; n += 1) await call(trackMate.url, 'POST', '/api/profile', claim(victim, n));
  const forged = await oneMore(trackMate, victim);
  const more = Object.fromEntries(Object.entries(forged).map(([name, after]) => [name, { before: untouched[name], after }]));
  console.log(`ready, load ${machine().load.toFixed(1)}`);

  quiet.events.quiet = [];
  const held = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await plantDead(trackMate, hanging);
    await plantHanging(trackMate, hanging, silent, round);
    for (const [arm, acts] of Object.entries(loads({ trackMate, large }))) {
      quiet.events.quiet.push(...(await events(quiet, Math.ceil(REQUESTS / 2))));
      const ends = acts.map((act) => repeat(act, LOAD_PAUSE_MS));
      await pause(200); // until it is under way
      (loaded.events[arm] ??= []).push(...(await events(loaded, REQUESTS)));
      const { p50, p99 } = percentiles(loaded.events[arm]);
      console.log(`  ${LABELS[arm]}: p50 ${shown(p50)} ms, p99 ${shown(p99)} ms of ${loaded.events[arm].length} events`);
      if (arm === 'backlog' || arm === 'all') await measureDeliveries(loaded, arm);
      await Promise.all(ends.map((end) => end()));
    }
    held.push(silent.requests.length);
    await measureDeliveries(quiet, 'quiet');
    console.log(`round ${round + 1} of ${ROUNDS}, load ${machine().load.toFixed(1)}`);
  }
  const undone = await undoAll(loaded, victim);
  const after = machine();
  const facts = `${shown(EVENTS)} events, ${ROUNDS} rounds of ${REQUESTS} events an arm, ${before.cpus} cores, load ${before.load.toFixed(1)} to ${after.load.toFixed(1)}.`;
  report(quiet, loaded, more, undone, facts);
  const arms = Object.fromEntries(Object.entries({ quiet: quiet.events.quiet, ...loaded.events, undo: undone.meanwhile }).map(([arm, took]) => [arm, { ...percentiles(took), n: took.length }]));
  const { meanwhile, ...undo } = undone;
  conclude('neighbours', before, { events: EVENTS, arms, due: loaded.due, retry: loaded.retry, quietDue: quiet.due, quietRetry: quiet.retry, held, more, undo });
  for (const { close } of [silent, ...[quiet, loaded].flatMap(({ lost, refused }) => [lost, refused])]) close();
}

run(main);
