// The running system on this machine, started by `make dev`: local D1 migrated, the Worker in the local runtime, a demo
// company with its keys, the demo shop's server, and the cron that the local runtime does not fire by itself.
// Not a build (scripts/build.sh) and not a test: it only starts, watches and stops things.
import { spawn, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shopServers } from './shops.mjs';
import { serveStartPage } from './start-page.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(ROOT);
process.env.PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`; // wrangler, and the Node it needs

const PORT = Number(process.env.PORT || 8787);
const STATE = resolve(process.env.STATE || '.trackmate/state');
const SHOP_PORT = PORT + 1;
const START_PORT = PORT + 2;
const BASE = `http://127.0.0.1:${PORT}`; // what we call: wrangler listens on IPv4 only
const URL_SHOWN = `http://localhost:${PORT}`; // what people and browsers use
const ORIGINS = [URL_SHOWN, BASE];
const COMPANY = 'TM-SHOP99';
const CRON_EVERY_MS = 5_000;
const READY_WITHIN_MS = 60_000;

// What a run with a STATE of its own leaves behind stands in that folder, so that two systems keep apart.
const HOME = STATE === resolve('.trackmate/state') ? resolve('.trackmate') : STATE;
const FILES = {
  ready: HOME === STATE ? join(STATE, 'ready.json') : '.trackmate/dev.json', // for the CLI, scripts and tests: present exactly while the system is ready
  kept: join(STATE, 'dev.json'), // the keys belong to the D1 beside them
  lock: join(STATE, 'dev.pid'),
  env: join(STATE, 'worker.env'),
  log: join(HOME, 'dev.log'),
  shopLog: join(HOME, 'shop.log'),
  migrateLog: join(HOME, 'migrate.log'),
};

const children = new Map(); // name → child process, each the leader of its own process group
let stopping = false;
let isReady = false; // FILES.ready is there
let cronTimer;
let stepName = '';
let stepBegan = Date.now();
const began = Date.now();

/** A failure with what the person can do about it. */
class Trouble extends Error {
  constructor(message, fix) {
    super(message);
    this.fix = fix;
  }
}

function step(name) {
  stepDone();
  stepName = name;
  stepBegan = Date.now();
  console.log(`==> ${name} …`);
}

function stepDone() {
  if (stepName) console.log(`    ${stepName}: ${((Date.now() - stepBegan) / 1000).toFixed(1)} s`);
  stepName = '';
}

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
/** A path as a person would type it here. */
const shown = (path) => (resolve(path).startsWith(ROOT) ? relative(ROOT, resolve(path)) : resolve(path));

/** Writes a file only its owner can read, whole or not at all. */
function writePrivate(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { mode: 0o600 });
  renameSync(part, path);
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function lastLines(path, count) {
  if (!existsSync(path)) return '';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

/** Starts a program in its own process group, so that stopping it stops everything it started, and nothing else. */
function start(name, command, args, env, log) {
  if (stopping) throw new Error('stopping');
  const fd = openSync(log, 'w', 0o600);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', fd, fd], env: { ...process.env, ...env } });
  closeSync(fd);
  children.set(name, child);
  child.exited = new Promise((done) => {
    child.once('exit', (code, signal) => done(signal ?? code));
    child.once('error', (error) => done(error.message));
  });
  child.exited.then((how) => {
    child.gone = true;
    if (!stopping) onChildGone(name, how, log);
  });
  return child;
}

/** Asks a child's whole group to end, and insists after five seconds. */
async function end(name) {
  const child = children.get(name);
  if (!child?.pid) return;
  children.delete(name);
  const signal = (kind) => {
    try {
      process.kill(-child.pid, kind);
      return true;
    } catch {
      return false; // the group is empty
    }
  };
  signal('SIGTERM');
  for (const until = Date.now() + 5_000; Date.now() < until && signal(0); ) await pause(50);
  signal('SIGKILL');
}

function onChildGone(name, how, log) {
  if (name.startsWith('shop')) {
    children.delete(name);
    console.warn(`WARNING: the shop's server ended (${how}); the rest runs on. Its log: ${shown(log)}`);
    return;
  }
  if (isReady) fail(new Trouble(`the Worker ended (${how})\n${lastLines(log, 20)}`, `read ${shown(log)}, then start again`));
  // Before that, whoever waits for it to be ready sees `gone` and says so.
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  clearTimeout(cronTimer);
  if (isReady) rmSync(FILES.ready, { force: true });
  await Promise.all([...children.keys()].map(end));
  rmSync(FILES.env, { force: true });
  if (ownsLock) rmSync(FILES.lock, { force: true });
  process.exit(code);
}

function fail(error) {
  if (stopping) return;
  const seconds = ((Date.now() - stepBegan) / 1000).toFixed(1);
  console.error(`FAILED: ${stepName || 'make dev'} (${seconds} s): ${error.message}`);
  console.error(`Fix: ${error.fix ?? `read ${shown(FILES.log)}`}`);
  stop(1);
}

function portIsFree(port) {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}

function portAnswers(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

let ownsLock = false;

/** Two local runtimes on one D1 folder would corrupt each other's view of it. */
function takeState() {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const pid = Number(existsSync(FILES.lock) ? readFileSync(FILES.lock, 'utf8') : 0);
  if (pid && isDevProcess(pid)) {
    throw new Trouble(
      `${shown(STATE)} is in use by another make dev (process ${pid})`,
      `stop that one, or take another folder and port: STATE=.trackmate/other PORT=${PORT + 10} make dev`,
    );
  }
  writeFileSync(FILES.lock, String(process.pid));
  ownsLock = true;
}

function isDevProcess(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes('dev.mjs');
  } catch {
    return true; // no ps: it lives, so believe it
  }
}

/** One call of the Worker's API. */
async function api(method, path, { headers = {}, body } = {}) {
  const response = await fetch(BASE + path, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Not ours; the status says what is needed.
  }
  return { status: response.status, answer, ok: response.status === 200 && answer.success === true };
}

function told({ status, answer }) {
  return `status ${status}, ${answer.code ?? 'no code'}: ${answer.message ?? 'no message'}`;
}

/** Brings the local D1 to the newest schema. Remembered with the STATE, as wrangler takes seconds to say "nothing to do". */
async function migrate() {
  const folder = 'edge/migrations';
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(`${name}\0${readFileSync(join(folder, name))}\0`);
  const stamp = join(STATE, 'migrated');
  const wanted = hash.digest('hex');
  if (existsSync(join(STATE, 'v3/d1')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const log = FILES.migrateLog;
  const args = ['d1', 'migrations', 'apply', 'trackmate', '--local', '--persist-to', STATE];
  // wrangler's local migrations now and then find their own database locked (workers-sdk issue 15162).
  for (let attempt = 1; ; attempt += 1) {
    const child = start('migrate', 'wrangler', args, WRANGLER_ENV, log);
    const how = await child.exited;
    children.delete('migrate');
    if (how === 0) break;
    const output = lastLines(log, 30);
    if (attempt < 3 && /SQLITE_(LOCKED|BUSY)/.test(output)) continue;
    throw new Trouble(
      `the migrations did not apply (${how})\n${output}`,
      `fix the migration named above, or start from an empty D1: rm -r ${shown(STATE)}`,
    );
  }
  writeFileSync(stamp, wanted);
}

const WRANGLER_ENV = {
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CI: '1', // no questions, no key bindings
  FORCE_COLOR: '0',
};

async function startWorker({ operatorKey, secretsKey }) {
  // By file and not by --var: a command line is readable by every user of the machine. DEV_ALLOW_LOOPBACK lets webhooks
  // go to http://127.0.0.1, which the deployed Worker refuses.
  writePrivate(FILES.env, `OPERATOR_KEY="${operatorKey}"\nSECRETS_KEY="${secretsKey}"\nDEV_ALLOW_LOOPBACK="1"\n`);
  const args = ['dev', '--port', PORT, '--ip', '127.0.0.1', '--inspector-port', 0, '--persist-to', STATE];
  args.push('--env-file', FILES.env, '--show-interactive-dev-session', 'false');
  const child = start('worker', 'wrangler', args.map(String), WRANGLER_ENV, FILES.log);
  for (const until = Date.now() + READY_WITHIN_MS; ; await pause(100)) {
    if (child.gone) throw new Trouble(`wrangler ended\n${lastLines(FILES.log, 20)}`, `read ${shown(FILES.log)}`);
    try {
      const response = await fetch(`${BASE}/healthz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > until) {
      throw new Trouble(`GET /healthz was not 200 within ${READY_WITHIN_MS / 1000} s\n${lastLines(FILES.log, 20)}`, `read ${shown(FILES.log)}`);
    }
  }
}

/** The demo company and its keys: made on the first start of a STATE, checked on every later one. */
async function demoCompany(kept) {
  const startAfresh = `start from an empty D1: rm -r ${shown(STATE)}, then make dev`;
  if (!kept.adminKey) {
    const made = await api('POST', '/api/operator/companies', {
      headers: { authorization: `Bearer ${kept.operatorKey}` },
      body: { companyId: COMPANY, name: 'Demo shop' },
    });
    if (!made.ok) throw new Trouble(`the demo company was not made: ${told(made)}`, startAfresh);
    kept.companyId = made.answer.company.id;
    kept.serverKey = made.answer.keys.server.key;
    kept.adminKey = made.answer.keys.admin.key;
    keep(kept);
  }
  const users = await api('GET', '/api/admin/users?limit=1', { headers: { 'x-admin-id': kept.adminKey } });
  if (!users.ok) throw new Trouble(`the kept admin key is not accepted: ${told(users)}`, startAfresh);

  // A subscription names the shop's port, so another PORT on the same STATE gets another one.
  kept.webhooks ??= {};
  if (!kept.webhooks[SHOP_PORT]) {
    const made = await api('POST', '/api/admin/webhooks', {
      headers: { 'x-admin-id': kept.adminKey },
      body: {
        name: 'Demo shop server',
        url: `http://127.0.0.1:${SHOP_PORT}/webhooks/trackmate`,
        events: ['*'],
        retryDelay: 1,
      },
    });
    if (!made.ok) throw new Trouble(`the shop's webhook was not made: ${told(made)}`, startAfresh);
    kept.webhooks[SHOP_PORT] = { id: made.answer.webhook.id, secret: made.answer.webhook.secret };
    keep(kept);
  }
}

const keep = (kept) => writePrivate(FILES.kept, `${JSON.stringify(kept, null, 2)}\n`);

/** The demo shop's own server. The system is of use without it, so nothing here is a failure. */
async function startShop(kept) {
  const server = 'examples/shop-server/server.mjs';
  if (!(await portIsFree(SHOP_PORT))) {
    console.warn(`WARNING: port ${SHOP_PORT} is in use, so the shop's server does not run. Fix: PORT=${PORT + 10} make dev`);
    return false;
  }
  const env = {
    PORT: String(SHOP_PORT),
    TRACKMATE_URL: BASE,
    TRACKMATE_API_KEY: kept.serverKey,
    TRACKMATE_ADMIN_KEY: kept.adminKey,
    COMPANY_ID: kept.companyId,
    WEBHOOK_SECRET: kept.webhooks[SHOP_PORT].secret,
    ALLOWED_ORIGIN: ORIGINS.join(),
  };
  const child = start('shop', process.execPath, [server], env, FILES.shopLog);
  for (const until = Date.now() + 5_000; Date.now() < until && !child.gone; await pause(50)) {
    if (await portAnswers(SHOP_PORT)) return true;
  }
  if (!child.gone) console.warn(`WARNING: the shop's server does not answer yet. Its log: ${shown(FILES.shopLog)}`);
  return false;
}

/**
 * Fires the cron. In production Cloudflare does, by the `[triggers]` of wrangler.toml; wrangler dev never does by itself,
 * it only offers an address that runs the same handler. Every few seconds instead of every minute, as the sweep's order is
 * the same and nobody at a terminal wants to wait a minute for a lost delivery.
 */
function driveCron({ adminKey }) {
  let missed = 0;
  const fire = async () => {
    try {
      const response = await fetch(`${BASE}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`, { signal: AbortSignal.timeout(60_000) });
      await response.arrayBuffer();
      // Looking at what comes in keeps it on record for whoever opens Live next.
      await api('GET', '/api/admin/events?limit=1', { headers: { 'x-admin-id': adminKey } });
      missed = 0;
    } catch (error) {
      missed += 1;
      // wrangler can outlive the runtime it started; then nothing answers any more.
      if (missed >= 3) fail(new Trouble(`the Worker does not answer (${error.cause?.code ?? error.name})\n${lastLines(FILES.log, 20)}`, `read ${shown(FILES.log)}`));
    }
    if (!stopping) cronTimer = setTimeout(fire, CRON_EVERY_MS);
  };
  return fire();
}

/** Opens the shop's server of another company, when the shop is looked at as that one. */
function otherShops(kept) {
  kept.shops ??= {};
  const run = async (companyId, args, env, gone) => {
    const child = start(`shop ${companyId}`, process.execPath, args, env, FILES.shopLog.replace('.log', `-${companyId}.log`));
    child.exited.then(gone);
    for (const until = Date.now() + 5_000; !(await portAnswers(env.PORT)); await pause(50)) {
      if (child.gone || Date.now() > until) throw new Error(`the shop server of ${companyId} does not answer`);
    }
  };
  return shopServers({ url: BASE, operatorKey: kept.operatorKey, origins: ORIGINS, kept: kept.shops, keep: () => keep(kept), run });
}

/** The start page, where one click shows the system at work. The system is of use without it. */
async function startPage(kept) {
  const { companyId, adminKey } = kept;
  try {
    await serveStartPage(START_PORT, { url: URL_SHOWN, companyId, adminKey, origins: ORIGINS, openShop: otherShops(kept) });
    return true;
  } catch (error) {
    console.warn(`WARNING: the start page does not run: ${error.message}. Fix: PORT=${PORT + 10} make dev`);
    return false;
  }
}

function summary(kept, shopRuns, startRuns) {
  const session = `session_${Math.floor(Date.now() / 1000)}_${randomBytes(16).toString('hex')}`;
  const curl = (path, body, header = '') =>
    `curl -sS ${URL_SHOWN}${path} -H 'Content-Type: application/json'${header} \\\n  -d '${JSON.stringify(body)}'`;
  const event = { eventType: 'page_view', eventData: { address: '/headphones' } };
  const person = { email: 'ada@example.com' };
  const payment = { eventType: 'payment_processed', eventData: { amount: 79.99, currency: 'USD' } };
  console.log(`
TrackMate runs at ${URL_SHOWN} (${((Date.now() - began) / 1000).toFixed(1)} s). Ctrl-C stops it; the data stays in ${shown(STATE)}.

  Start here   ${startRuns ? `http://localhost:${START_PORT}/` : 'does not run (see above)'}
  Demo shop    ${URL_SHOWN}/shop/
  Dashboard    ${URL_SHOWN}/dashboard/
  Shop server  ${shopRuns ? `http://localhost:${SHOP_PORT}/` : 'does not run (see above)'}
  Admin key    ${kept.adminKey}
  All keys     ${shown(FILES.ready)}
  Logs         ${shown(FILES.log)}

A visitor does something, says who they are, and pays at your server:

${curl('/api/events', { company_id: COMPANY, sessionId: session, events: [event] })}

${curl('/api/profile', { company_id: COMPANY, sessionId: session, ...person, name: 'Ada' })}

${curl('/api/webhooks/events', { company_id: COMPANY, identifier: person, ...payment }, ` \\\n  -H 'X-TrackMate-API-Key: ${kept.serverKey}'`)}
`);
}

async function main() {
  if (!Number.isInteger(PORT) || PORT < 1 || PORT > 65_533) {
    throw new Trouble(`PORT is "${process.env.PORT}"`, 'give a number from 1 to 65533, as in PORT=8790 make dev');
  }
  mkdirSync('.trackmate', { recursive: true });
  takeState();
  if (!(await portIsFree(PORT))) {
    throw new Trouble(`port ${PORT} is in use`, `stop what listens there (another make dev?), or: PORT=${PORT + 10} make dev`);
  }

  step('migrate the local D1');
  await migrate();

  step('start the Worker');
  const newKey = () => randomBytes(32).toString('hex');
  const kept = { operatorKey: newKey(), secretsKey: newKey(), ...readJson(FILES.kept) };
  keep(kept);
  await startWorker(kept);

  step('demo company');
  await demoCompany(kept);

  step("start the shop's server");
  const shopRuns = await startShop(kept);
  await driveCron(kept);
  stepDone();
  if (stopping) return;

  const { companyId, serverKey, adminKey, operatorKey } = kept;
  isReady = true;
  writePrivate(FILES.ready, `${JSON.stringify({ url: URL_SHOWN, companyId, serverKey, adminKey, operatorKey }, null, 2)}\n`);
  if (children.get('worker').gone) fail(new Trouble(`the Worker ended\n${lastLines(FILES.log, 20)}`, `read ${shown(FILES.log)}`));
  else summary(kept, shopRuns, await startPage(kept));
}

process.on('SIGINT', () => stop(0));
process.on('SIGTERM', () => stop(0));
process.on('SIGHUP', () => stop(0));
main().catch(fail);
