// `make bench`: the cost of other vendors' request formats compared with `/api/events`, for the
// same events. README.md explains the results. ROUNDS and REQUESTS (at one event per request) make
// it longer or shorter.
import { startChild } from './child.mjs';
import { conclude, inTurn, machine, median, medians, percentiles, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';
import { createCompany, startTrackMate } from './trackmate.mjs';
import { CPU_UNIT_MS } from './worker.mjs';

const ROUNDS = whole('ROUNDS', 5, 1);
const REQUESTS = whole('REQUESTS', 1200, 32);
const CONCURRENCY = 16;
/** When the events happened: just now, as most do. It is the same for all that are compared. */
const AT_MS = Date.now() - 60_000;
/** Events per request, and the share of REQUESTS of such a run. */
const SIZES = [
  [1, 1],
  [10, 1 / 2],
  [100, 1 / 3],
];
const FORMS = { own: '/api/events', segment: '/v1/batch', posthog: '/batch/' };
const CPU_GOAL = 1.15;

/** Runs the load once. Returns its figures. */
async function load(worker, form, job) {
  const child = startChild('./load.mjs');
  await child.ask({ url: new URL(FORMS[form], worker.url).href, concurrency: CONCURRENCY, at: AT_MS, form, ...job });
  const cpuBefore = worker.cpuMs?.();
  const { seconds, took } = await child.ask('go');
  const cpuUs = (Math.max(worker.cpuMs?.() - cpuBefore, CPU_UNIT_MS) * 1000) / job.requests;
  child.end();
  return { rps: job.requests / seconds, ...percentiles(took), cpuUs };
}

async function main() {
  const before = machine();
  console.log(`${ROUNDS} rounds of ${REQUESTS} requests at 1 event; ${CONCURRENCY} connections; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  const worker = await startTrackMate();
  const { id: company } = await createCompany(worker);
  const names = Object.keys(FORMS);
  let sent = 0;
  const send = (form, job) => {
    sent += job.requests * job.events;
    return load(worker, form, { company, ...job });
  };
  for (const form of names) await send(form, { seed: `warm-${form}`, requests: Math.ceil(REQUESTS / 6), events: 10 });
  const figures = {};
  for (const [events, share] of SIZES) {
    const requests = Math.max(CONCURRENCY, Math.round(REQUESTS * share));
    const runs = Object.fromEntries(names.map((form) => [form, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const form of inTurn(names, round)) runs[form].push(await send(form, { seed: `${form}-${events}x${round}`, requests, events }));
    }
    const ratio = (form) => median(runs[form].map((one, round) => one.cpuUs / runs.own[round].cpuUs));
    figures[events] = { ...Object.fromEntries(names.map((form) => [form, medians(runs[form])])), cpu: Object.fromEntries(names.map((form) => [form, ratio(form)])) };
  }
  // A format that stored fewer rows would look cheap.
  const stored = await worker.d1.prepare('select count(*) as n from events').first('n');
  if (stored !== sent) throw new Error(`stored ${stored} of ${sent}`);
  for (const [events, { cpu, ...forms }] of Object.entries(figures)) {
    table(
      `${events} event${events === '1' ? '' : 's'} a request`,
      ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'of the CPU of /api/events'],
      Object.entries(forms).map(([form, f]) => [FORMS[form], f.rps, f.p50, f.p99, f.cpuUs, `×${shown(cpu[form])}`]),
    );
  }
  const worst = Math.max(...Object.values(figures).flatMap(({ cpu }) => Object.values(cpu)));
  console.log(`\n  goal: ≤ ×${CPU_GOAL}: ×${shown(worst)} ${verdict(worst <= CPU_GOAL)}`);
  conclude('compat', before, { rounds: ROUNDS, requests: REQUESTS, figures });
}

run(main);
