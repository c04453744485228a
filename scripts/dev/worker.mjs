// The Worker of `make dev` and `trackmate dev` in the local runtime: its migrations, its start, its
// API and its cron.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CELLS_MAX, cellNames, databaseFile, databaseName } from './cells.mjs';
import {
  BASE,
  CELLS,
  displayPath,
  FILES,
  lastLines,
  PORT,
  ROOT,
  startCommand,
  STATE,
  WRANGLER,
  writeConfig,
  writePrivate,
} from './environment.mjs';
import { fail, Failure, forget, pause, start, state } from './processes.mjs';

const READY_WITHIN_MS = 60_000;
const WRANGLER_ENV = {
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CI: '1', // No questions, no key bindings.
  FORCE_COLOR: '0',
  X_LOCAL_EXPLORER: 'false', // It shows and changes the local data without a key.
};

/** Starts wrangler with the configuration in STATE. */
function wrangler(name, args, log) {
  writeConfig();
  return start(name, process.execPath, [WRANGLER, ...args.map(String), '--config', FILES.config], WRANGLER_ENV, log);
}

/** Calls the Worker's API. */
export async function api(method, path, { headers = {}, body } = {}) {
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
    // Not an answer of the API. The status is enough.
  }
  return { status: response.status, answer, ok: response.status === 200 && answer.success === true };
}

/** Describes an API answer in an error text. */
export function describe({ status, answer }) {
  return `status ${status}, ${answer.code ?? 'no code'}: ${answer.message ?? 'no message'}`;
}

/**
 * Migrates the local databases, one after the other: the local runtimes share a file. STATE has the
 * list of the migrations that each has: wrangler takes seconds even if nothing is to do, and does
 * not notice that a migration was edited or removed.
 */
export async function migrate() {
  if (!(CELLS <= CELLS_MAX)) {
    const fix = `use a number from 1 to ${CELLS_MAX}, for example: ${startCommand({ CELLS: 3 })}`;
    throw new Failure(`CELLS is "${process.env.CELLS}"`, fix);
  }
  const folder = join(ROOT, 'edge/migrations');
  const hash = (name) => createHash('sha256').update(readFileSync(join(folder, name))).digest('hex');
  const names = readdirSync(folder).sort();
  const lines = names.map((name) => `${name} ${hash(name)}\n`).join('');
  const cells = cellNames(CELLS).map((cell) => new LocalCell(cell, lines));
  if (cells.some((cell) => cell.wasChanged())) setStateAside();
  for (const cell of cells) if (!cell.isCurrent()) await cell.migrate(folder, names);
}

/** A local database and the list of the migrations that it has. */
class LocalCell {
  constructor(cell, lines) {
    this.name = databaseName(cell);
    this.file = databaseFile(STATE, cell);
    this.stamp = join(STATE, cell === 'DB' ? 'migrated' : `migrated-${cell}`);
    this.current = `database ${this.name}\n${lines}`;
  }

  applied() {
    return existsSync(this.file) && existsSync(this.stamp) ? readFileSync(this.stamp, 'utf8') : '';
  }

  isCurrent() {
    return this.applied() === this.current;
  }

  /** Whether it has a migration that was edited or removed since. */
  wasChanged() {
    return !this.current.startsWith(this.applied());
  }

  async migrate(folder, names) {
    const isNew = !existsSync(this.file);
    const command = isNew ? ['execute', '--yes', '--file', oneFile(folder, names)] : ['migrations', 'apply'];
    const args = ['d1', ...command, this.name, '--local', '--persist-to', STATE];
    // wrangler's local migrations sometimes find their own database locked (workers-sdk issue 15162).
    for (let attempt = 1; ; attempt += 1) {
      const how = await wrangler('migrate', args, FILES.migrateLog).exited;
      forget('migrate');
      if (how === 0) break;
      const output = lastLines(FILES.migrateLog, 30);
      // One file is applied in full, or again from the start.
      if (isNew) for (const end of ['', '-wal', '-shm']) rmSync(this.file + end, { force: true });
      if (attempt < 3 && /SQLITE_(LOCKED|BUSY)/.test(output)) continue;
      throw new Failure(
        `the migrations of ${this.name} failed (${how})\n${output}`,
        `correct the migration named above, or start from an empty D1: rm -r ${displayPath(STATE)}`,
      );
    }
    writeFileSync(this.stamp, this.current);
  }
}

/**
 * Writes all migrations into one file, for a new database. wrangler applies each of several in a
 * runtime of its own, which takes five times as long.
 */
function oneFile(folder, names) {
  const file = join(STATE, 'new.sql');
  // The table in which wrangler looks up later what is applied.
  const applied = `create table d1_migrations (id integer primary key autoincrement, name text unique,
    applied_at timestamp default current_timestamp not null);`;
  const migrations = names.map((name) => {
    const sql = readFileSync(join(folder, name), 'utf8');
    return `${sql}\ninsert into d1_migrations (name) values ('${name}');`;
  });
  writeFileSync(file, [applied, ...migrations].join('\n'));
  return file;
}

/** Starts from an empty STATE. Moves the old one, with its keys, to a folder beside it. */
function setStateAside() {
  const aside = `${STATE}.before-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(STATE, aside);
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  renameSync(join(aside, 'dev.pid'), FILES.lock);
  console.warn(`WARNING: migrations that ${displayPath(STATE)} already has were changed. This run starts from an empty
database. The old one is in ${displayPath(aside)}; remove it when you no longer need it.`);
}

/** Starts the Worker with its secrets and further variables, and waits until it answers. */
export async function startWorker({ operatorKey, secretsKey }, variables = {}) {
  // In a file, not with --var: every user of the machine can read a command line.
  const all = Object.entries({ OPERATOR_KEY: operatorKey, SECRETS_KEY: secretsKey, ...variables });
  writePrivate(FILES.env, all.map(([name, value]) => `${name}="${value}"\n`).join(''));
  const args = ['dev', '--port', PORT, '--ip', '127.0.0.1', '--inspector-port', 0, '--persist-to', STATE];
  args.push('--env-file', FILES.env, '--show-interactive-dev-session', 'false');
  const child = wrangler('worker', args, FILES.log);
  for (const until = Date.now() + READY_WITHIN_MS; ; await pause(100)) {
    if (child.hasExited) throw withLog('wrangler exited');
    try {
      const response = await fetch(`${BASE}/healthz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > until) throw withLog(`GET /healthz was not 200 within ${READY_WITHIN_MS / 1000} s`);
  }
}

const withLog = (message) => new Failure(`${message}\n${lastLines(FILES.log, 20)}`, `read ${displayPath(FILES.log)}`);

/**
 * Fires the cron. In production Cloudflare fires it, by the `[triggers]` of wrangler.toml. wrangler
 * dev never does; it only offers a URL that runs the same handler. `also` runs after each time.
 */
export function driveCron(everyMs, also = () => {}) {
  let missed = 0;
  const fire = async () => {
    try {
      const url = `${BASE}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`;
      const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
      await response.arrayBuffer();
      await also();
      missed = 0;
    } catch (error) {
      missed += 1;
      // wrangler can outlive its runtime. Then no request is answered any more.
      if (missed >= 3) fail(withLog(`the Worker does not answer (${error.cause?.code ?? error.name})`));
    }
    if (!state.isStopping) state.cronTimer = setTimeout(fire, everyMs);
  };
  return fire();
}
