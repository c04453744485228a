// `make bench`: the cost and delay of deliveries, and whether hanging receivers slow others down.
// README.md explains the results. ROUNDS and REQUESTS make it longer or shorter; arguments select
// its parts. BASE is the folder of another built checkout, to which `paced` and `throughput` compare
// this one.
import { startChild } from './child.mjs';
import { IDLE_MS, PEOPLE, checks, openDoor, receivers, secrets, sendLoad, startReceiver, subscribe, unsubscribe, until } from './deliveries.mjs';
import { SMOKE, conclude, inTurn, machine, median, medians, percentiles, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';
import { builds, startTrackMate } from './trackmate.mjs';
import { startWorker } from './worker.mjs';

const ROUNDS = whole('ROUNDS', 5, 1);
const REQUESTS = whole('REQUESTS', 1200, 32);
const PER_SECOND = whole('PER_SECOND', 200, 100);
const CONCURRENCY = 16;
/** When arms are compared, neither may be short of CPU: fewer requests at a lower pace. */
const calmly = (part) => ({ requests: Math.ceil(REQUESTS / part), perSecond: PER_SECOND / part });
const GOALS = { acceptP50: 2, acceptP99: 15, endP50: 2.5, endP99: 25, perSecond: { 1: 700, 5: 1600 }, fullP99: 500, hung: 1.1, beside: 1.2 };
/**
 * Number of hanging subscriptions, and the timeout (ms) of each: short, so that attempts end during
 * a run as in a long outage.
 */
const HUNG = 3;
const HUNG_TIMEOUT_MS = 2000;

const start = (root) => startTrackMate({ DEV_ALLOW_LOOPBACK: '1' }, { consumes: true, root });
/**
 * Warms up: the runtime compiles what runs often, and people are known from their second event on.
 */
const warm = (trackMate, doors) => sendLoad(trackMate, doors, { requests: Math.max(PEOPLE, Math.ceil(REQUESTS / 3)), concurrency: CONCURRENCY });

/** Runs each of the named functions once per round, in turn. Returns {name: [figures by round]}. */
async function rounds(named) {
  const figures = Object.fromEntries(Object.keys(named).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of inTurn(Object.keys(named), round)) figures[name].push(await named[name](round));
  }
  return figures;
}

const byMedian = (figures) => Object.fromEntries(Object.entries(figures).map(([name, all]) => [name, medians(all)]));
/** The median of the ratios within each round. */
const ratio = (over, under, key) => median(over.map((figures, round) => figures[key] / under[round][key]));

/** The same load at the same pace against a bare receiver: the cost of the measurement itself. */
async function instrument() {
  const bare = await startReceiver('answer');
  const load = startChild('./load.mjs');
  await load.ask({ url: bare.url, seed: 'bare', requests: REQUESTS, doors: [{ key: 'none', eventType: 'order.paid' }], perSecond: PER_SECOND });
  const { took } = await load.ask('go');
  for (const { end } of [load, bare]) end();
  return percentiles(took);
}

// Accept and end to end, at a steady pace; throughput.

/** Starts each build, with a company for each of these numbers of webhooks: {name: {trackMate, doors, label}}. */
async function startBuilds(fanOuts) {
  const started = {};
  for (const [name, { root, label }] of Object.entries(builds())) {
    const [trackMate, doors] = [await start(root), {}];
    for (const fanOut of fanOuts) {
      doors[fanOut] = await openDoor(trackMate, fanOut);
      await warm(trackMate, [doors[fanOut]]);
    }
    started[name] = { trackMate, doors, label };
  }
  return started;
}

async function stopBuilds(started) {
  for (const { trackMate } of Object.values(started)) await trackMate.stop();
}

async function paced() {
  const started = await startBuilds([1]);
  const pace = ({ trackMate, doors }) => () => sendLoad(trackMate, [doors[1]], { requests: REQUESTS, perSecond: PER_SECOND });
  const arms = Object.fromEntries(Object.entries(started).map(([name, build]) => [name, pace(build)]));
  const figures = await rounds({ ...arms, instrument });
  await stopBuilds(started);
  const labels = Object.entries({ ...started, instrument: { label: 'the load against a bare receiver' } });
  return Object.fromEntries(labels.map(([name, { label }]) => [name, { label, ...medians(figures[name]) }]));
}

/** Requests of a load by the number of webhooks. */
const LOADS = { 0: REQUESTS, 1: REQUESTS, 5: Math.ceil(REQUESTS / 3) };

async function throughput() {
  const fanOuts = Object.keys(LOADS).map(Number);
  const started = await startBuilds(fanOuts);
  const arms = {};
  for (const [name, { trackMate, doors }] of Object.entries(started)) {
    for (const n of fanOuts) arms[`${name} ${n}`] = () => sendLoad(trackMate, [doors[n]], { requests: LOADS[n], concurrency: CONCURRENCY });
  }
  const figures = await rounds(arms);
  await stopBuilds(started);
  const deliveryCpuUs = (name, n) => median(figures[`${name} ${n}`].map((f, round) => (f.cpuUs - figures[`${name} 0`][round].cpuUs) / n));
  const times = (name, n) => ratio(figures[`trackmate ${n}`], figures[`${name} ${n}`], 'perSecond');
  return Object.fromEntries(
    Object.entries(started).map(([name, { label }]) => {
      const of = (n) => ({ ...medians(figures[`${name} ${n}`]), ...(n > 0 && { deliveryCpuUs: deliveryCpuUs(name, n), times: times(name, n) }) });
      return [name, { label, ...Object.fromEntries(fanOuts.map((n) => [n, of(n)])) }];
    }),
  );
}

/**
 * CPU of the runtime's own operations in µs, beyond that of an empty request; `nothing` is the
 * empty request.
 */
async function prices() {
  const bare = await startReceiver('answer');
  const worker = await startWorker(['bench/prices.mjs'], { RECEIVER: bare.url }, { consumes: true });
  const cpuUs = (thing) => async () => {
    const load = startChild('./load.mjs');
    await load.ask({ url: new URL(thing, worker.url).href, seed: thing, requests: REQUESTS, doors: [{ key: 'none', eventType: 'order.paid' }], concurrency: CONCURRENCY });
    const before = worker.cpuMs?.();
    await load.ask('go');
    load.end();
    return { us: ((worker.cpuMs?.() - before) * 1000) / REQUESTS };
  };
  const things = Object.fromEntries(['nothing', 'trip', 'batch9', 'fetch', 'send'].map((thing) => [thing, cpuUs(thing)]));
  for (const measure of Object.values(things)) await measure(); // warm
  const { nothing, ...more } = byMedian(await rounds(things));
  bare.end();
  await worker.stop();
  const beyond = Object.fromEntries(Object.entries(more).map(([thing, { us }]) => [thing, us - nothing.us]));
  const { trip, batch9, fetch, send } = beyond;
  return { nothing: nothing.us, trip, statement: (batch9 - trip) / 8, fetch, send };
}

// Hanging receivers. Each round has its own TrackMate, so that hanging deliveries of one round do
// not affect another.

/**
 * Runs `work` with this many additional subscriptions whose receiver hangs, then deletes them and
 * waits until none of their deliveries is pending.
 */
async function whileHung(trackMate, { company, eventType }, count, work) {
  const hung = [];
  for (let n = 0; n < count; n += 1) {
    hung.push(await subscribe(trackMate, company, receivers.hang, eventType, { timeoutMs: HUNG_TIMEOUT_MS, retryDelay: 3600 }));
  }
  const figures = await work();
  if (!(await receivers.hang.ask({ wait: 1, idleMs: IDLE_MS }))) throw new Error('no receiver hung');
  for (const hook of hung) await unsubscribe(trackMate, hook);
  if (!(await until(async () => (await receivers.hang.ask('open')) === 0))) throw new Error('deleted subscriptions are still delivered to');
  const { repeated } = await receivers.hang.ask({ collect: secrets });
  checks.repeated += repeated;
  return figures;
}

async function eachRound(arms) {
  const all = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    const trackMate = await start();
    const named = await arms(trackMate);
    for (const name of inTurn(Object.keys(named), round)) (all[name] ??= []).push(await named[name]());
    await trackMate.stop();
  }
  return all;
}

/** The same load with every receiver answering and with every receiver hanging. */
async function hung() {
  const figures = await eachRound(async (trackMate) => {
    const healthy = await openDoor(trackMate, HUNG);
    const hanging = await openDoor(trackMate, 0);
    for (const door of [healthy, hanging]) await warm(trackMate, [door]);
    const both = async (door) => {
      const { p50, p99 } = await sendLoad(trackMate, [door], calmly(4));
      const { rps } = await sendLoad(trackMate, [door], { requests: Math.ceil(REQUESTS / 4), concurrency: CONCURRENCY });
      return { p50, p99, rps };
    };
    return { healthy: () => both(healthy), hung: () => whileHung(trackMate, hanging, HUNG, () => both(hanging)) };
  });
  const { healthy, hung: hanging } = figures;
  const slower = { p50: ratio(hanging, healthy, 'p50'), p99: ratio(hanging, healthy, 'p99'), rps: ratio(healthy, hanging, 'rps') };
  return { ...byMedian(figures), slower };
}

/**
 * Measures one subscription beside a neighbour with as many events, of another company or of the
 * same. The neighbour's events have no receiver (the subscription is alone), a receiver that
 * answers, or one that hangs.
 */
async function beside() {
  const places = {};
  for (const place of SMOKE ? ['the same company'] : ['another company', 'the same company']) {
    const figures = await eachRound(async (trackMate) => {
      const timed = await openDoor(trackMate, 1);
      const neighbour = place === 'the same company' ? { company: timed.company, eventType: 'cart.left', hooks: [] } : await openDoor(trackMate, 0);
      await warm(trackMate, [timed, neighbour]);
      const both = (hooks) => sendLoad(trackMate, [timed, { ...neighbour, hooks }], calmly(2)).then(({ endP50, endP99 }) => ({ endP50, endP99 }));
      const answering = async () => {
        const hook = await subscribe(trackMate, neighbour.company, receivers.answer, neighbour.eventType);
        const measured = await both([hook]);
        await unsubscribe(trackMate, hook);
        return measured;
      };
      return { alone: () => both([]), answering, hung: () => whileHung(trackMate, neighbour, 1, () => both([])) };
    });
    const slower = { alone: ratio(figures.hung, figures.alone, 'endP99'), answering: ratio(figures.hung, figures.answering, 'endP99') };
    places[place] = { ...byMedian(figures), slower };
  }
  return places;
}

// Output.

const goal = (what, value, met) => console.log(`  goal: ${what}: ${shown(value)} ${verdict(met)}`);

function printPaced({ instrument, ...started }) {
  const rows = Object.values(started).flatMap(({ label, ...f }) => [
    [`${label}: accept (POST /api/webhooks/events)`, f.p50, f.p99],
    [`${label}: end to end (sent → received whole)`, f.endP50, f.endP99],
  ]);
  table(`${PER_SECOND} events/s, one subscription`, ['', 'p50 ms', 'p99 ms'], [...rows, [instrument.label, instrument.p50, instrument.p99]]);
  const { trackmate: f } = started;
  goal(`accept p50 ≤ ${GOALS.acceptP50} ms`, f.p50, f.p50 <= GOALS.acceptP50);
  goal(`accept p99 ≤ ${GOALS.acceptP99} ms`, f.p99, f.p99 <= GOALS.acceptP99);
  goal(`end to end p50 ≤ ${GOALS.endP50} ms`, f.endP50, f.endP50 <= GOALS.endP50);
  goal(`end to end p99 ≤ ${GOALS.endP99} ms`, f.endP99, f.endP99 <= GOALS.endP99);
}

function printThroughput(started) {
  const head = ['', 'requests/s', 'deliveries/s', 'end p50 ms', 'end p99 ms', 'CPU µs/request', 'CPU µs/delivery', 'peak MB'];
  const rows = Object.values(started).flatMap(({ label, ...byFanOut }) =>
    Object.entries(byFanOut).map(([fanOut, f]) => {
      const delivered = [f.perSecond, f.endP50, f.endP99].map((n) => n ?? '');
      return [`${label}: ${fanOut} subscriptions`, f.rps, ...delivered, f.cpuUs, f.deliveryCpuUs ?? '', f.peakBytes / 1e6];
    }),
  );
  table(`Throughput, ${CONCURRENCY} connections`, head, rows);
  const { trackmate: ours, base } = started;
  for (const [fanOut, least] of Object.entries(GOALS.perSecond)) {
    goal(`≥ ${shown(least)} deliveries/s at ${fanOut}`, ours[fanOut].perSecond, ours[fanOut].perSecond >= least);
    if (base) console.log(`        of the base's: ×${shown(base[fanOut].times)}`);
  }
  goal(`end to end p99 ≤ ${GOALS.fullP99} ms under full load at 5`, ours[5].endP99, ours[5].endP99 <= GOALS.fullP99);
}

function printPrices({ nothing, ...more }) {
  const labels = { trip: 'a trip to D1 (one row by its key)', statement: 'one more statement in a batch', fetch: 'a POST to a receiver', send: 'a message to the queue, consumed' };
  const rows = [['an empty request', nothing], ...Object.entries(more).map(([thing, us]) => [`+ ${labels[thing]}`, us])];
  table('What the local runtime itself charges', ['', 'CPU µs'], rows);
}

function printHung({ healthy, hung: hanging, slower }) {
  const row = (name, f) => [name, f.p50, f.p99, f.rps];
  const rows = [row('all answer', healthy), row('all hang', hanging), ['times slower', `×${shown(slower.p50)}`, `×${shown(slower.p99)}`, `×${shown(slower.rps)}`]];
  table(`Accepting, ${HUNG} subscriptions, ${PER_SECOND / 4} events/s, then as fast as it goes`, ['', 'p50 ms', 'p99 ms', 'requests/s'], rows);
  for (const [key, times] of Object.entries(slower)) goal(`${key} ≤ ×${GOALS.hung} slower when all hang`, times, times <= GOALS.hung);
}

function printBeside(places) {
  const labels = { alone: 'alone', answering: 'beside one that answers', hung: 'beside one that hangs' };
  const rows = Object.entries(places).flatMap(([place, { slower, ...f }]) => Object.keys(labels).map((arm) => [labels[arm], place, f[arm].endP50, f[arm].endP99]));
  table(`A subscription and its neighbour, end to end, ${PER_SECOND / 4} events/s each`, ['', 'neighbour of', 'p50 ms', 'p99 ms'], rows);
  for (const [place, { slower }] of Object.entries(places)) {
    goal(`p99 beside one of ${place} that hangs ≤ ×${GOALS.beside} of alone`, slower.alone, slower.alone <= GOALS.beside);
    console.log(`        of beside one that answers: ${shown(slower.answering)}`);
  }
}

const PARTS = { prices: [prices, printPrices], paced: [paced, printPaced], throughput: [throughput, printThroughput], hung: [hung, printHung], beside: [beside, printBeside] };

async function main() {
  const parts = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
  const unknown = parts.find((name) => !PARTS[name]);
  if (unknown) throw new Error(`${unknown} is none of ${Object.keys(PARTS).join(', ')}`);
  const before = machine();
  console.log(`${ROUNDS} rounds of ${REQUESTS} requests; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  receivers.answer = await startReceiver('answer');
  receivers.hang = await startReceiver('hang');
  const figures = {};
  for (const name of parts) {
    const [measure, print] = PARTS[name];
    figures[name] = await measure();
    print(figures[name]);
  }
  const { delivered, sweeps, ...wrong } = checks;
  const right = Object.values(wrong).every((n) => n === 0);
  const problems = Object.entries(wrong).map(([what, n]) => `${n} ${what}`);
  console.log(`
${shown(delivered)} deliveries; ${problems.join(', ')}; the sweep was called ${sweeps} times: ${right ? 'each arrived once' : 'WRONG'}`);
  if (!right) process.exitCode = 1;
  conclude('deliver', before, { rounds: ROUNDS, requests: REQUESTS, perSecond: PER_SECOND, goals: GOALS, checks, ...figures });
}

run(main);
