// What `make dev` and `trackmate dev` work with: ports, folders and files, and helpers to read and
// write those files.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cellsIn, localConfig } from './cells.mjs';

/** The repository, or the installed package, which has the same layout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { resolve: resolvePackage } = createRequire(import.meta.url);
export const WRANGLER = join(dirname(resolvePackage('wrangler/package.json')), 'bin/wrangler.js');

/** How a person starts this, with these variables. */
export function startCommand(variables = {}) {
  const all = Object.entries(variables);
  if (!process.env.TRACKMATE_PACKAGE) return [...all.map(([name, value]) => `${name}=${value}`), 'make dev'].join(' ');
  return ['npx trackmate dev', ...all.map(([name, value]) => `--${name.toLowerCase()} ${value}`)].join(' ');
}

export const PORT = Number(process.env.PORT || 8787);
export const STATE = resolve(process.env.STATE || '.trackmate/state');
/** Databases, `DB` included. A state never gets fewer: the others would still have companies. */
export const CELLS = /^([1-9]\d*)?$/.test(process.env.CELLS ?? '') ? Math.max(Number(process.env.CELLS || 1), cellsIn(STATE)) : NaN;
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
  config: join(STATE, 'wrangler.toml'),
  log: join(HOME, 'dev.log'),
  shopLog: join(HOME, 'shop.log'),
  migrateLog: join(HOME, 'migrate.log'),
};

/** A path as a person would type it in the folder where this was started. */
export function displayPath(path) {
  const short = relative('.', path);
  return short.startsWith('..') ? resolve(path) : short;
}

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

/**
 * Writes wrangler's configuration with absolute paths into STATE. wrangler stores its temporary
 * files beside its configuration, and an installed package may belong to another user.
 */
export const writeConfig = () => writeFileSync(FILES.config, localConfig(ROOT, CELLS));
