// The real system for black-box tests: the built Worker in the real workerd with real D1 and Queues, by wrangler's own test harness.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTestHarness, unstable_readConfig as readConfig } from 'wrangler';
import { cellNames, databaseName } from '../../scripts/dev/cells.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

/** What the spill queue gives up after so many tries comes back from the last queue, as if the operator replayed it. */
function replayed({ producers, consumers }, retries) {
  const consumer = (c) => (c.queue === 'trackmate-spill' ? { ...c, max_retries: retries } : c);
  const lost = { queue: 'trackmate-spill-lost', max_batch_size: 1, max_batch_timeout: 1, max_retries: 100 };
  return { producers, consumers: [...consumers.map(consumer), lost] };
}

/** The queues, and an outage buffer in each of these jurisdictions. */
function inJurisdictions({ producers, consumers }, jurisdictions) {
  const queue = (name) => `trackmate-spill-${name}`;
  const buffer = consumers.find((c) => c.queue === 'trackmate-spill');
  return {
    producers: [...producers, ...jurisdictions.map((name) => ({ binding: `SPILL_${name.toUpperCase()}`, queue: queue(name) }))],
    consumers: [...consumers, ...jurisdictions.map((name) => ({ ...buffer, queue: queue(name), dead_letter_queue: `${queue(name)}-dead` }))],
  };
}

/**
 * The deployment's configuration with other rate limits: `{RATE_PAGES: 5}`, and those that are not named not bound at all; and with `{BUFFER_RETRIES: 1}`, after
 * which a queued message is given up. Without limits it has its own ones. It has so many cells, `DB` included, and an outage buffer in each of the jurisdictions.
 */
function configuration(limits, { cells, jurisdictions }, vars) {
  const { name, main, compatibility_date, compatibility_flags, vars: ordinary, assets, d1_databases, queues, triggers, ratelimits } = readConfig({ config: CONFIG });
  const { migrations_dir } = d1_databases[0];
  const further = cellNames(cells).slice(1).map((binding) => ({ binding, database_name: databaseName(binding), migrations_dir }));
  const bound = limits ? ratelimits.filter((r) => r.name in limits).map((r) => ({ ...r, simple: { ...r.simple, limit: limits[r.name] } })) : ratelimits;
  const others = { name, main, compatibility_date, compatibility_flags, assets, triggers, ratelimits: bound, vars: { ...ordinary, ...vars } };
  const own = limits && 'BUFFER_RETRIES' in limits ? replayed(queues, limits.BUFFER_RETRIES) : queues;
  return { ...others, d1_databases: [...d1_databases, ...further], queues: inJurisdictions(own, jurisdictions) };
}

/**
 * Starts TrackMate on a free port with empty databases; `vars` are further variables of its deployment, `limits` its rate limits in place of the usual ones,
 * `cells` the number of its databases: `DB`, `CELL_1`, …, `jurisdictions` those with an outage buffer of their own.
 * → {url, operatorKey, call, companies, sweep, d1, queue, spill, logs, close}
 */
export async function startTrackMate(vars = {}, limits = null, { operatorKey = 'operator-key-of-the-tests', cells = 1, jurisdictions = [] } = {}) {
  const dev = { DEV_ALLOW_LOOPBACK: '1', DEV_SHOW_COST: '1', EXPORT_PAGES_MAX: '12', METRICS_S: '0', ...vars };
  const secrets = { OPERATOR_KEY: operatorKey, SECRETS_KEY: 'secrets-key-of-the-tests' };
  const isOwn = limits || cells > 1;
  const deployed = isOwn ? { config: configuration(limits, { cells, jurisdictions }, { ...dev, ...secrets }) } : { configPath: CONFIG, vars: dev, secrets };
  const harness = createTestHarness({ root: ROOT, workers: [deployed] });
  const { url } = await harness.listen();
  const worker = harness.getWorker();
  for (const cell of cellNames(cells)) await worker.applyD1Migrations(cell);
  const base = String(url).replace(/\/$/, '');
  const call = caller(base);
  return {
    url: base,
    operatorKey,
    call,
    companies: (wanted) => createCompany(call, operatorKey, wanted),
    /** Runs the cron handler, as production does every minute. */
    sweep: () => worker.scheduled({ cron: '* * * * *', scheduledTime: new Date() }),
    /** The database of a cell. */
    d1: async (cell = 'DB') => (await worker.getEnv())[cell],
    /** The producer's end of the wake-ups' queue. */
    queue: async () => (await worker.getEnv()).DELIVERIES,
    /** The producer's end of the spill queue. */
    spill: async () => (await worker.getEnv()).SPILL,
    logs: () => harness.getLogs(),
    close: () => harness.close(),
  };
}

/** Creates a company → {companyId, serverKey, adminKey}. */
export async function createCompany(call, operatorKey, { name = 'Test company', ...others } = {}) {
  const { status, body } = await call('POST', '/api/operator/companies', { name, ...others }, { authorization: `Bearer ${operatorKey}` });
  if (status !== 200) throw new Error(`no company: ${status} ${JSON.stringify(body)}`);
  return { companyId: body.company.id, serverKey: body.keys.server.key, adminKey: body.keys.admin.key };
}

/** The closed list of problems: code → status. */
export const PROBLEMS = new Map(
  [...readFileSync(new URL('../../docs/problems.md', import.meta.url), 'utf8').matchAll(/^\| \[`(\w+)`\]\S+ \| (\d+)/gm)].map(([, code, status]) => [code, Number(status)]),
);

/** Whatever is refused, on any route by any test, is refused with a problem of the list and its status. */
function assertListed(what, status, body) {
  if (PROBLEMS.get(body?.code) !== status || !body.message) throw new Error(`${what} was refused with ${status} ${JSON.stringify(body)}`);
}

/**
 * A function that calls the API → {status, body, headers, cost}; `cost` is D1's own count of the request: {trips, read, written}.
 * A string or bytes are sent as they are, anything else as JSON.
 */
export function caller(base) {
  return async (method, path, body, headers = {}) => {
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(base + path, {
      method,
      // Each request opens a connection. The server may close an idle one at the moment it is used
      // again, and a test must not send a request twice.
      headers: { connection: 'close', ...(raw ? {} : { 'content-type': 'application/json' }), ...headers },
      body: raw ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type'));
    const cost = Object.fromEntries((response.headers.get('x-d1-cost') ?? '').split(' ').map((part) => part.split('=')).map(([k, v]) => [k, Number(v)]));
    const answer = isJson && text.startsWith('{') ? JSON.parse(text) : text;
    if (response.status >= 400 && path.startsWith('/api/') && method !== 'HEAD') assertListed(`${method} ${path}`, response.status, answer);
    return { status: response.status, headers: response.headers, cost, body: answer };
  };
}

/**
 * Asks until the answer is truthy; fails after the deadline. A promise of a time has its own
 * deadline; the usual one is as long as a busy machine may need. It asks ever more rarely, up to
 * five times a second, because a question costs the machine time that the answer needs.
 */
export async function until(what, ask, deadlineMs = 60_000) {
  const deadline = Date.now() + deadlineMs;
  for (let waitMs = 15; ; waitMs = Math.min(waitMs * 1.3, 200)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'function' ? what() : what}`);
    await new Promise((resume) => setTimeout(resume, waitMs));
  }
}
