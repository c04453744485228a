// The cells of a local run: the database `DB`, and beside it `CELL_1`, `CELL_2`, … Each has the
// whole schema (docs/cells.md).
import { createHash, createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Cells of a local run at most. Each is a database to migrate and a file that stays open. */
export const CELLS_MAX = 64;

/** The bindings of this many cells, `DB` included. */
export const cellNames = (count) => Array.from({ length: count }, (_, number) => (number ? `CELL_${number}` : 'DB'));

/** The name of a cell's database. */
export const databaseName = (cell) => (cell === 'DB' ? 'trackmate' : `trackmate-${cell.slice('CELL_'.length)}`);

/**
 * The text of wrangler.toml in `root`, with absolute paths and this many cells, `DB` included. A
 * configuration in another folder can use it.
 */
export function localConfig(root, count) {
  const absolute = readFileSync(join(root, 'wrangler.toml'), 'utf8').replaceAll(
    /^(main|directory|migrations_dir) = "(.*)"$/gm,
    (_, name, path) => `${name} = ${JSON.stringify(join(root, path))}`,
  );
  const migrations = /^migrations_dir = .*$/m.exec(absolute)[0];
  const database = (cell) =>
    `\n[[d1_databases]]\nbinding = "${cell}"\ndatabase_name = "${databaseName(cell)}"\n${migrations}\n`;
  return absolute + cellNames(count).slice(1).map(database).join('');
}

/** How many cells a folder of state has, `DB` included. */
export function cellsIn(state) {
  const missing = cellNames(CELLS_MAX).findIndex((cell) => cell !== 'DB' && !existsSync(databaseFile(state, cell)));
  return missing < 0 ? CELLS_MAX : missing;
}

/**
 * The file of a cell in a folder of state. The local runtime names it after the id that its D1 has
 * as a Durable Object. Without a `database_id`, wrangler's name for a database is its binding.
 */
export function databaseFile(state, cell) {
  const folder = 'miniflare-D1DatabaseObject';
  const key = createHash('sha256').update(folder).digest();
  const half = (text) => createHmac('sha256', key).update(text).digest().subarray(0, 16);
  const id = Buffer.concat([half(cell), half(half(cell))]).toString('hex');
  return join(state, 'v3/d1', folder, `${id}.sqlite`);
}
