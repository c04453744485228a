// Sends loads of server events to TrackMates, and checks every delivery that must follow: it arrives
// once, it is signed, and the API reports it.
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from './child.mjs';
import { SMOKE, percentiles } from './report.mjs';
import { call, createCompany } from './trackmate.mjs';

/** Number of people that the events are about, in turn. */
export const PEOPLE = SMOKE ? 20 : 100;
/**
 * If deliveries are missing and none arrived for this long, the sweep is called, at most this many
 * times.
 */
export const IDLE_MS = 2000;
const SWEEPS_MAX = 30;
/** Maximum wait for the API to reach an expected state. */
const SETTLED_WITHIN_MS = 30_000;

/** Counts that must be 0 at the end, and the number of sweeps. */
export const checks = { delivered: 0, missing: 0, unexpected: 0, repeated: 0, unsigned: 0, unrecorded: 0, sweeps: 0 };
export const receivers = {};
/** The secret of each subscription, by path at the receivers. */
export const secrets = {};
let paths = 0;

export async function startReceiver(how) {
  const child = startChild('./receiver.mjs');
  return { ...child, url: await child.ask({ listen: how }) };
}

/** Polls a condition. Returns whether it became true in time. */
export async function until(ask) {
  for (const deadline = Date.now() + SETTLED_WITHIN_MS; !(await ask()); await pause(100)) if (Date.now() > deadline) return false;
  return true;
}

const admin = (trackMate, { adminKey }, method, route, body) => call(trackMate.url, method, `/api/admin${route}`, body, { 'x-admin-id': adminKey });

/**
 * Subscribes a receiver to a company's events of this type. Returns {id, company, path, made};
 * `made` counts the expected deliveries.
 */
export async function subscribe(trackMate, company, receiver, eventType, more = {}) {
  const path = `/${(paths += 1)}`;
  const { body } = await admin(trackMate, company, 'POST', '/webhooks', { name: path, url: receiver.url + path, events: [eventType], ...more });
  secrets[path] = body.webhook.secret;
  return { id: body.webhook.id, company, path, made: 0 };
}

export const unsubscribe = (trackMate, { company, id }) => admin(trackMate, company, 'DELETE', `/webhooks/${id}`);

/**
 * Creates a company to send events to: {company, eventType, hooks}. `hooks` are the subscriptions
 * whose deliveries are expected.
 */
export async function openDoor(trackMate, fanOut) {
  const [company, eventType, hooks] = [await createCompany(trackMate), 'order.paid', []];
  for (let n = 0; n < fanOut; n += 1) hooks.push(await subscribe(trackMate, company, receivers.answer, eventType));
  return { company, eventType, hooks };
}

let runs = 0;

/**
 * Sends a load to these companies in turn, and waits until every expected delivery has arrived and
 * is recorded. Returns figures for the first company: {rps, p50, p99} of accepting, {endP50,
 * endP99} from sending to arrival, deliveries per second, CPU and D1's counts per request, and the
 * most memory of workerd.
 */
export async function sendLoad(trackMate, doors, { requests, ...pace }) {
  const seed = `r${(runs += 1)}`;
  const load = startChild('./load.mjs');
  const url = new URL('/api/webhooks/events', trackMate.url).href;
  await load.ask({ url, seed, requests, people: PEOPLE, doors: doors.map(({ company, eventType }) => ({ key: company.serverKey, eventType })), ...pace });
  trackMate.resetPeak?.();
  const cpuBefore = trackMate.cpuMs?.();
  const { seconds, sent, took, late } = await load.ask('go');
  load.end();

  const expected = new Map(); // what arrives → its hook and request
  for (let r = 0; r < requests; r += 1) {
    for (const hook of doors[r % doors.length].hooks) {
      expected.set(`${hook.path} ${seed}-${r}`, { hook, r });
      hook.made += 1;
    }
  }
  const arrivals = await arrived(trackMate, expected);
  if (arrivals.length === expected.size) await recorded(trackMate, doors);
  const cpuUs = ((trackMate.cpuMs?.() - cpuBefore) * 1000) / requests;
  return {
    rps: requests / seconds,
    ...percentiles(took.filter((_, r) => r % doors.length === 0)),
    ...delays(arrivals, doors[0], sent),
    cpuUs,
    peakBytes: trackMate.peakBytes?.(),
    ...(late.length > 0 && { late: percentiles(late).p99 }),
  };
}

/** {endP50, endP99, perSecond} of a load that was to be delivered. */
function delays(arrivals, { hooks }, sent) {
  const ends = arrivals.filter(({ hook }) => hooks.includes(hook)).map(({ at, r }) => at - sent[r]);
  if (ends.length === 0) return {};
  const seconds = (Math.max(...arrivals.map(({ at }) => at)) - Math.min(...sent)) / 1000;
  const { p50, p99 } = percentiles(ends);
  return { endP50: p50, endP99: p99, perSecond: arrivals.length / seconds };
}

/**
 * Waits for the expected deliveries and checks them. Returns [{hook, r, at}]. If none arrives any
 * more, it calls the sweep, as the cron would.
 */
async function arrived(trackMate, expected) {
  const there = () => receivers.answer.ask({ wait: expected.size, idleMs: IDLE_MS });
  for (let sweeps = 0; (await there()) < expected.size && sweeps < SWEEPS_MAX; sweeps += 1) {
    checks.sweeps += 1;
    await trackMate.sweep();
  }
  const { arrivals, repeated, unsigned } = await receivers.answer.ask({ collect: secrets });
  const found = new Map(arrivals.map(({ path, messageId, at }) => [`${path} ${messageId}`, at]));
  const all = [...expected].filter(([id]) => found.has(id)).map(([id, what]) => ({ ...what, at: found.get(id) }));
  checks.delivered += all.length;
  checks.missing += expected.size - all.length;
  checks.unexpected += found.size - all.length;
  checks.repeated += repeated;
  checks.unsigned += unsigned;
  return all;
}

/**
 * Waits until the API reports these companies' deliveries as delivered, and counts those that it
 * does not report.
 */
async function recorded(trackMate, doors) {
  for (const hook of doors.flatMap(({ hooks }) => hooks)) {
    const success = async () => {
      const { body } = await admin(trackMate, hook.company, 'GET', '/webhooks');
      return body.webhooks.find(({ id }) => id === hook.id).stats.success;
    };
    if (!(await until(async () => (await success()) >= hook.made))) {
      const made = await success();
      checks.unrecorded += hook.made - made;
      hook.made = made;
    }
  }
}
