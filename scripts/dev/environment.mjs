// What `make dev` works with: ports, folders and files, and helpers to read and write those files.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
process.chdir(ROOT);
// For wrangler, and the Node version that it needs.
process.env.PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`;

export const PORT = Number(process.env.PORT || 8787);
export const STATE = resolve(process.env.STATE || '.trackmate/state');
export const SHOP_PORT = PORT + 1;
export const START_PORT = PORT + 2;
/** For requests of this process: wrangler listens on IPv4 only. */
export const BASE = `http://127.0.0.1:${PORT}`;
/** For people and browsers. */
export const PUBLIC_URL = `http://localhost:${PORT}`;
export const ORIGINS = [PUBLIC_URL, BASE];
export const COMPANY = 'TM-SHOP99';

// A run with its own STATE keeps its other files in that folder too, so that two systems can run
// side by side.
const HOME = STATE === resolve('.trackmate/state') ? resolve('.trackmate') : STATE;
export const FILES = {
  /** For the CLI, scripts and tests. It exists exactly while the system is ready. */
  ready: HOME === STATE ? join(STATE, 'ready.json') : '.trackmate/dev.json',
  /** The keys of the local D1, stored beside it. */
  keys: join(STATE, 'dev.json'),
  lock: join(STATE, 'dev.pid'),
  env: join(STATE, 'worker.env'),
  log: join(HOME, 'dev.log'),
  shopLog: join(HOME, 'shop.log'),
  migrateLog: join(HOME, 'migrate.log'),
};

/** A path as a person would type it in the repository's folder. */
export const displayPath = (path) => (resolve(path).startsWith(ROOT) ? relative(ROOT, resolve(path)) : resolve(path));

/** Writes a file atomically. Only its owner can read it. */
export function writePrivate(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { mode: 0o600 });
  renameSync(part, path);
}

export function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

export function lastLines(path, count) {
  if (!existsSync(path)) return '';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

export const saveKeys = (keys) => writePrivate(FILES.keys, `${JSON.stringify(keys, null, 2)}\n`);
