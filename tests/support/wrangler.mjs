// TrackMate as a process that can be killed: `wrangler dev` on a folder of state that outlives it.
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { cellNames, cellsIn, databaseFile, localConfig } from '../../scripts/dev/cells.mjs';
import { caller, createCompany, until } from './harness.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WRANGLER = fileURLToPath(new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url));
const OPERATOR_KEY = 'operator-key-of-the-fault-tests';
const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' };

export async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/**
 * A new folder of state with the tables of so many cells, `DB` included, gone when the test is over. In memory where there is room: what SIGKILL spares is the
 * same, and nobody waits for a disk.
 */
export function newState(t, cells = 1) {
  const memory = '/dev/shm';
  const { bavail, bsize } = existsSync(memory) ? statfsSync(memory) : { bavail: 0, bsize: 0 };
  const state = mkdtempSync(join(bavail * bsize > 2 ** 30 ? memory : tmpdir(), 'trackmate-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  migrate(state);
  for (const cell of cellNames(cells).slice(1)) copyDatabase(state, cell);
  return state;
}

/** Makes the database of a cell a copy of the empty `DB`, which is faster than to migrate it. */
function copyDatabase(state, cell) {
  const source = databaseFile(state, 'DB');
  const database = new DatabaseSync(source);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  copyFileSync(source, databaseFile(state, cell));
}

/** Makes the tables of `DB` in a folder of state. */
export function migrate(state) {
  execFileSync(process.execPath, [WRANGLER, 'd1', 'migrations', 'apply', 'trackmate', '--local', '--persist-to', state], { cwd: ROOT, env, stdio: 'pipe' });
}

/** The deliveries that were being attempted when the Worker was killed: their ids, read from what the crash left on disk. Only while it is not running. */
export function leased(state) {
  const folder = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  // A copy: to open the original would tidy up what the next start has to cope with.
  const copy = mkdtempSync(join(tmpdir(), 'trackmate-crashed-'));
  cpSync(folder, copy, { recursive: true });
  const files = readdirSync(copy).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
  const found = files.flatMap((name) => {
    const database = new DatabaseSync(join(copy, name));
    const rows = database.prepare("select id from deliveries where state = 'leased'").all();
    database.close();
    return rows.map((row) => row.id);
  });
  rmSync(copy, { recursive: true });
  return found;
}

/**
 * Takes a database away from the Worker that runs on this state: another process holds its write lock, so D1 fails every write with SQLITE_BUSY. The one of
 * this cell, or else all. → a function that gives it back.
 */
export function lockDatabase(state, cell) {
  const cells = cell ? [cell] : cellNames(cellsIn(state));
  const locks = cells.map((each) => new DatabaseSync(databaseFile(state, each), { timeout: 5000 }));
  for (const lock of locks) lock.exec('begin exclusive');
  return () => locks.splice(0).forEach((lock) => lock.close());
}

/** Pages that a SQLite database has at most. */
const PAGES_MAX = 2 ** 32 - 2;

/**
 * Makes the databases of a folder of state, or the one of this cell, a file of so many bytes, all but the first of which nothing uses, or one that has room
 * left for so many pages. Only while it is not running.
 */
export function growDatabase(state, { bytes, pagesLeft, cell }) {
  for (const path of (cell ? [cell] : cellNames(cellsIn(state))).map((each) => databaseFile(state, each))) {
    const database = new DatabaseSync(path);
    database.exec('pragma wal_checkpoint(truncate)');
    const { page_size: page } = database.prepare('pragma page_size').get();
    database.close();
    const pages = bytes ? Math.floor(bytes / page) : PAGES_MAX - pagesLeft;
    // The file has no blocks for what is not written. Its header tells SQLite how many pages there are, if that is as new as the last change.
    const file = openSync(path, 'r+');
    ftruncateSync(file, pages * page);
    const header = Buffer.alloc(100);
    readSync(file, header, 0, 100, 0);
    header.writeUInt32BE(pages, 28);
    header.copy(header, 92, 24, 28);
    writeSync(file, header, 0, 100, 0);
    closeSync(file);
  }
}

/** The configuration of a Worker on this state, which may have several cells. */
function configOf(state) {
  const cells = cellsIn(state);
  if (cells === 1) return join(ROOT, 'wrangler.toml');
  const file = join(state, 'wrangler.toml');
  writeFileSync(file, localConfig(ROOT, cells));
  return file;
}

/** Starts the Worker on this state and its cells, with further variables → {url, upAt, call, operatorKey, companies, sweep, log, memoryKb, kill}; `kill` is SIGKILL to every process of it. */
export async function startWrangler(state, port, vars = []) {
  const variables = ['DEV_ALLOW_LOOPBACK:1', `OPERATOR_KEY:${OPERATOR_KEY}`, 'SECRETS_KEY:secrets-key-of-the-fault-tests', ...vars].flatMap((v) => ['--var', v]);
  const args = [WRANGLER, 'dev', '--port', port, '--ip', '127.0.0.1', '--inspector-port', '0', '--persist-to', state, '--config', configOf(state), ...variables];
  const child = spawn(process.execPath, args.map(String), { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const exited = new Promise((done) => child.once('exit', done));
  const url = `http://127.0.0.1:${port}`;
  await until(
    'the Worker answers',
    async () => {
      if (child.exitCode !== null) throw new Error(`wrangler ended: ${log}`);
      return (await fetch(`${url}/healthz`).catch(() => null))?.ok;
    },
  );
  const upAt = Date.now();
  const call = caller(url);
  return {
    url,
    /** When /healthz first answered. */
    upAt,
    call,
    operatorKey: OPERATOR_KEY,
    companies: (wanted) => createCompany(call, OPERATOR_KEY, wanted),
    sweep: () => fetch(`${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).then((answer) => answer.text()),
    /** What it has logged so far. */
    log: () => log,
    /** What its workerd processes hold in memory. */
    memoryKb: () => {
      const processes = execFileSync('ps', ['-A', '-o', 'pgid=,rss=,comm='], { encoding: 'utf8' }).split('\n').map((line) => line.trim().split(/\s+/));
      return processes.filter(([group, , name]) => Number(group) === child.pid && name?.includes('workerd')).reduce((sum, [, rss]) => sum + Number(rss), 0);
    },
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
      await exited;
    },
  };
}
