// `make bench`: the cost of ingest compared with a floor of the same run, the cost of identify by
// history, and the rows of a timeline's first page. README.md explains the results. ROUNDS and
// REQUESTS (at one event per request) make it longer or shorter. BASE is the folder of another built
// checkout, to which ingest is compared.
import { startChild } from './child.mjs';
import { SMOKE, conclude, inTurn, machine, median, medians, percentiles, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';
import { builds, call, createCompany, startTrackMate } from './trackmate.mjs';
import { CPU_UNIT_MS, startWorker, stopAll } from './worker.mjs';

const ROUNDS = whole('ROUNDS', 5, 1);
const REQUESTS = whole('REQUESTS', 1200, 32);
const CONCURRENCY = 16;
/** When the events happened: just now, as most do. It is the same for all that are compared. */
const AT_MS = Date.now() - 60_000;
/**
 * Events per request, and the share of REQUESTS of such a run: larger requests take longer and
 * write more.
 */
const SIZES = [
  [1, 1],
  [10, 1 / 2],
  [100, 1 / 3],
];
/** The least of the requests/s of floor 1, and of a base of 5fa76b1 by events per request. */
const FLOOR_GOAL = 0.85;
const BASE_GOALS = { 1: 1.6, 10: 1.6, 100: 1.3 };
const FLOORS = {
  floor1: { parts: 'all', label: 'floor 1: the same work' },
  floor2: { parts: 'insert', label: 'floor 2: insert events only' },
};
const HISTORIES = SMOKE ? [10, 30, 100] : [10, 1_000, 100_000];
/** Sessions measured for each history, since a session is anonymous only once. */
const SESSIONS = SMOKE ? 1 : 3;
/** Number of repetitions, where a measurement can be repeated. */
const REPEATS = SMOKE ? 1 : 5;
const PAGE = 50;
const PAGE_READ_GOAL = 10 * PAGE;

const startFloor = (parts) => startWorker(['bench/floor.mjs'], { PARTS: parts });

// Throughput.

/** Runs the load against a Worker once. Returns its figures. */
async function load(worker, job) {
  const child = startChild('./load.mjs');
  await child.ask({ url: new URL('/api/events', worker.url).href, concurrency: CONCURRENCY, at: AT_MS, ...job });
  const cpuBefore = worker.cpuMs?.();
  const { seconds, took } = await child.ask('go');
  const cpuUs = (Math.max(worker.cpuMs?.() - cpuBefore, CPU_UNIT_MS) * 1000) / job.requests;
  child.end();
  const rps = job.requests / seconds;
  return { rps, eps: rps * job.events, ...percentiles(took), cpuUs };
}

/** The stored events of a Worker, without values that differ between runs. */
async function stored({ d1 }) {
  const columns = ['message_id', 'session', 'ts', 'type', 'data', 'context', 'revenue', 'original_at', 'sent_at'];
  const lengths = columns.map((column) => `total(length(${column}))`).join(" || ' ' || ");
  const events = await d1.prepare(`select count(*) || ' ' || ${lengths} || ' ' || total(ts % 1000003) as sums from events`).first('sums');
  const links = await d1.prepare('select count(*) as links, total(events) as counted from links').first();
  return { events, ...links };
}

/** Gives a floor a company of TrackMate's. */
async function copyCompany(from, to, company) {
  const row = await from.d1.prepare('select * from companies where id = ?').bind(company).first();
  const columns = Object.keys(row);
  const insert = `insert into companies (${columns}) values (${columns.map(() => '?')})`;
  await to.d1.prepare(insert).bind(...Object.values(row)).run();
}

/** Starts what is compared, each with a workerd of its own: {name: {worker, company, label}}. */
async function startSubjects() {
  const subjects = {};
  for (const [name, { root, label }] of Object.entries(builds())) {
    const worker = await startTrackMate({}, { root });
    subjects[name] = { worker, company: (await createCompany(worker)).id, label };
  }
  const { worker: ours, company } = subjects.trackmate;
  for (const [name, { parts, label }] of Object.entries(FLOORS)) {
    const worker = await startFloor(parts);
    await copyCompany(ours, worker, company);
    subjects[name] = { worker, company, label };
  }
  return subjects;
}

/** Fails unless all stored the same: a ratio to what stored something else would mean nothing. */
async function compareStored(subjects) {
  const rows = {};
  for (const [name, { worker }] of Object.entries(subjects)) rows[name] = await stored(worker);
  const { trackmate: ours } = rows;
  const others = Object.entries(rows).filter(([name, { events, counted }]) => events !== ours.events || counted !== (name === 'floor2' ? 0 : ours.counted));
  if (others.length > 0) throw new Error(`other rows are stored: ${JSON.stringify({ ours, others })}`);
}

async function throughput() {
  const subjects = await startSubjects();
  const names = Object.keys(subjects);
  const send = (name, job) => load(subjects[name].worker, { company: subjects[name].company, ...job });

  // Warm up: the runtime compiles what runs often.
  for (const name of names) await send(name, { seed: 'warm', requests: Math.ceil(REQUESTS / 6), events: 10 });

  const figures = {};
  for (const [events, share] of SIZES) {
    const requests = Math.max(CONCURRENCY, Math.round(REQUESTS * share));
    const runs = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of inTurn(names, round)) runs[name].push(await send(name, { seed: `${events}x${round}`, requests, events }));
    }
    const ratio = (other, key) => median(runs.trackmate.map((run, round) => run[key] / runs[other][round][key]));
    const others = names.filter((name) => name !== 'trackmate');
    figures[events] = Object.fromEntries(names.map((name) => [name, { label: subjects[name].label, ...medians(runs[name]) }]));
    for (const name of others) Object.assign(figures[events][name], { times: ratio(name, 'rps'), timesCpu: ratio(name, 'cpuUs') });
  }
  await compareStored(subjects);
  await stopAll();
  return figures;
}

// Identify and timeline.

/**
 * Sends one session's events, 500 per request, with timestamps ten seconds apart from `start` (ms)
 * on.
 */
async function history({ url }, company, session, events, start) {
  for (let sent = 0; sent < events; sent += 500) {
    const batch = Array.from({ length: Math.min(500, events - sent) }, (_, i) => ({
      eventType: 'page_view',
      eventData: { address: `https://shop.example/p/${sent + i}` },
      timestamp: new Date(start + (sent + i) * 10_000).toISOString(),
      messageId: `${session}-${sent + i}`,
    }));
    const { body } = await call(url, 'POST', '/api/events', { company_id: company, sessionId: session, events: batch });
    if (body.accepted !== batch.length) throw new Error(`accepted ${body.accepted} of ${batch.length}`);
  }
}

const LONG_AGO = Date.UTC(2024, 0, 1);

async function identify(worker) {
  const { id: company } = await createCompany(worker);
  const as = (session, email) => call(worker.url, 'POST', '/api/profile', { company_id: company, sessionId: session, email });
  for (let i = 0; i < 50; i += 1) await as(`warm_${i}`, `warm${i}@shop.example`);

  const figures = {};
  for (const events of HISTORIES) {
    const cases = { first: [], same: [], other: [] };
    for (let s = 0; s < SESSIONS; s += 1) {
      const session = `s_${events}_${s}`;
      await history(worker, company, session, events, LONG_AGO);
      const email = (n) => `p${n}.${session}@shop.example`;
      cases.first.push(await as(session, email(0)));
      for (let n = 0; n < REPEATS; n += 1) cases.same.push(await as(session, email(0)));
      for (let n = 1; n <= REPEATS; n += 1) cases.other.push(await as(session, email(n)));
    }
    figures[events] = Object.fromEntries(
      Object.entries(cases).map(([name, calls]) => [name, medians(calls.map(({ ms, read, written }) => ({ ms, read, written })))]),
    );
  }
  return figures;
}

/**
 * Creates a person with this many events in this many sessions, one after the other. Returns the
 * profile's id.
 */
async function visits(worker, company, { email, sessions, events }) {
  const each = events / sessions;
  let profileId;
  for (let s = 0; s < sessions; s += 1) {
    const start = LONG_AGO + s * each * 10_000;
    const session = `${email}:${s}`.replace('@', '-');
    await history(worker, company, session, each, start);
    const timestamp = start + each * 10_000 - 5_000;
    ({ profileId } = (await call(worker.url, 'POST', '/api/profile', { company_id: company, sessionId: session, email, timestamp })).body);
  }
  return profileId;
}

/**
 * The first page of two people's timelines in one company: one person's history must not cost the
 * other.
 */
async function timeline(worker) {
  const { id: company, adminKey } = await createCompany(worker);
  const events = HISTORIES.at(-1);
  const many = events / 50;
  const people = [
    { name: 'one session', email: 'one@shop.example', sessions: 1, events },
    { name: `${shown(many)} sessions`, email: 'many@shop.example', sessions: many, events },
  ];
  for (const person of people) person.id = await visits(worker, company, person);
  const figures = {};
  for (const { name, id, sessions } of people) {
    figures[name] = {};
    for (const order of ['desc', 'asc']) {
      const route = `/api/admin/users/${id}/timeline?limit=${PAGE}&order=${order}`;
      const page = () => call(worker.url, 'GET', route, undefined, { 'x-admin-id': adminKey });
      // the first also notes the key's use, once an hour
      const { events: first, pagination, summary } = (await page()).body;
      if (first.length !== PAGE || !pagination.hasMore || summary.totalEvents !== events + sessions) {
        throw new Error(`an odd page: ${first.length} events of ${summary.totalEvents}`);
      }
      const calls = [];
      for (let n = 0; n < SESSIONS * REPEATS; n += 1) calls.push(await page());
      figures[name][order] = medians(calls.map(({ ms, read }) => ({ ms, read })));
    }
  }
  return figures;
}

// Output.

function printThroughput(figures) {
  for (const [events, subjects] of Object.entries(figures)) {
    table(
      `Ingest, ${events} event${events === '1' ? '' : 's'} a request`,
      ['', 'requests/s', 'events/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'of its requests/s', 'of its CPU'],
      Object.values(subjects).map((f) => [
        ...[f.label, f.rps, f.eps, f.p50, f.p99, f.cpuUs],
        ...(f.times ? [`×${shown(f.times)}`, `×${shown(f.timesCpu)}`] : ['', '']),
      ]),
    );
    const { floor1, base } = subjects;
    console.log(`  goal: ≥ ${FLOOR_GOAL} of floor 1's requests/s: ${shown(floor1.times)} ${verdict(floor1.times >= FLOOR_GOAL)}`);
    if (base) console.log(`  goal: ≥ ${BASE_GOALS[events]} of the base's requests/s: ${shown(base.times)} ${verdict(base.times >= BASE_GOALS[events])}`);
  }
}

function printIdentify(figures) {
  const labels = { first: "anonymous session's first", same: 'same person again', other: 'another person' };
  const rows = Object.keys(labels).flatMap((name) =>
    Object.entries(figures).map(([events, cases]) => [labels[name], Number(events), cases[name].ms, cases[name].read, cases[name].written]),
  );
  table('Identify', ['', 'prior events', 'ms', 'rows read', 'rows written'], rows);
  const all = Object.keys(labels).map((name) => Object.values(figures).map((cases) => cases[name].read));
  const flat = all.every((reads) => Math.max(...reads) <= Math.min(...reads) + 1);
  console.log(`  goal: the same rows whatever the history: ${verdict(flat)}`);
}

function printTimeline(figures) {
  const rows = Object.entries(figures).flatMap(([name, orders]) => Object.entries(orders).map(([order, f]) => [name, order, f.ms, f.read]));
  table(`Timeline, first page of ${PAGE} of ${shown(HISTORIES.at(-1))} events`, ['', 'order', 'ms', 'rows read'], rows);
  const most = Math.max(...rows.map((row) => row[3]));
  console.log(`  goal: ≤ ${PAGE_READ_GOAL} rows read: ${shown(most)} ${verdict(most <= PAGE_READ_GOAL)}`);
}

async function main() {
  const before = machine();
  console.log(`${ROUNDS} rounds of ${REQUESTS} requests at 1 event; ${CONCURRENCY} connections; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  const ingest = await throughput();
  printThroughput(ingest);
  const worker = await startTrackMate({ DEV_SHOW_COST: '1' });
  const identified = await identify(worker);
  printIdentify(identified);
  const paged = await timeline(worker);
  printTimeline(paged);
  const goals = { floor: FLOOR_GOAL, base: BASE_GOALS, pageRead: PAGE_READ_GOAL };
  conclude('ingest', before, { rounds: ROUNDS, requests: REQUESTS, goals, ingest, identify: identified, timeline: paged });
}

run(main);
