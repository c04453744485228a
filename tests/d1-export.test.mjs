// `wrangler d1 export`, Cloudflare's own copy of a database: it takes a migrated one, and its SQL makes the same database again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WRANGLER = fileURLToPath(new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url));
const MIGRATIONS = fileURLToPath(new URL('../edge/migrations', import.meta.url));
const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' };

/** A project with nothing but a local database, because an export knows no other folder of state than the project's → a function that runs `wrangler d1`. */
function project(t) {
  const folder = mkdtempSync(join(tmpdir(), 'trackmate-d1-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = { name: 'copy', d1_databases: [{ binding: 'DB', database_name: 'copy', database_id: '00000000-0000-0000-0000-000000000000', migrations_dir: MIGRATIONS }] };
  writeFileSync(join(folder, 'wrangler.json'), JSON.stringify(config));
  const d1 = (...args) => execFileSync(process.execPath, [WRANGLER, 'd1', args[0], ...args.slice(1), '--local'], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });
  return { folder, d1 };
}

/** The objects of a database and the rows of each table, but for those of the local runtime. */
function content(database) {
  const objects = database.prepare("select type, name, sql from sqlite_schema where name not like 'sqlite%' and name not like '_cf%' order by type, name").all();
  const tables = objects.filter(({ type, name }) => type === 'table' && name !== 'd1_migrations');
  return { objects, rows: tables.map(({ name }) => [name, database.prepare(`select * from "${name}"`).all()]) };
}

test('wrangler exports a migrated database with its rows, and imports the file into an empty one', (t) => {
  const { folder, d1 } = project(t);
  d1('migrations', 'apply', 'copy');
  const files = join(folder, '.wrangler/state/v3/d1/miniflare-D1DatabaseObject');
  const [file] = readdirSync(files).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
  const database = new DatabaseSync(join(files, file));
  database.exec(`insert into profiles (company, id, name, traits, server_session, created_at) values ('TM-COPY', 'p1', 'Ada ''x'' Åse', '{}', 's', 1);
    insert into search_docs (company, profile, text) values ('TM-COPY', 'p1', 'ada x ase')`);
  const before = content(database);
  database.close();
  assert.equal(before.rows.find(([name]) => name === 'search_words')[1].length, 3);

  const dump = join(folder, 'dump.sql');
  d1('export', 'copy', '--output', dump);
  const copy = new DatabaseSync(':memory:');
  copy.exec(readFileSync(dump, 'utf8'));
  assert.deepEqual(content(copy), before);
  copy.close();

  const other = project(t);
  other.d1('execute', 'copy', '--file', dump);
  const [made] = JSON.parse(other.d1('execute', 'copy', '--json', '--command', 'select word from search_words order by word'));
  assert.deepEqual(made.results.map(({ word }) => word), ['ada', 'ase', 'x']);
});
