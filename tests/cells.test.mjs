// Several databases behind one Worker on this machine: the local runs, and the harness of the tests.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cellNames, cellsIn, databaseFile } from '../scripts/dev/cells.mjs';
import { commandLine, done, EXIT } from './support/cli.mjs';
import { samples } from './support/docs.mjs';
import { startTrackMate } from './support/harness.mjs';
import { freePort, lockDatabase, newState, startWrangler } from './support/wrangler.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TABLES = "select count(*) as n from sqlite_master where type = 'table' and name in ('events', 'away', 'places')";

/** Migrates a folder of state as `make dev` does, and returns its configuration. */
function migrate(state, CELLS) {
  const script = "import('./scripts/dev/worker.mjs').then(({ migrate }) => migrate())";
  execFileSync(process.execPath, ['-e', script], { cwd: ROOT, env: { ...process.env, STATE: state, CELLS }, stdio: 'pipe' });
  return readFileSync(join(state, 'wrangler.toml'), 'utf8');
}

test('a local run with CELLS=2 has two migrated databases, and a later run keeps both', (t) => {
  const state = mkdtempSync(join(tmpdir(), 'trackmate-cells-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  assert.ok(!migrate(state, '').includes('CELL_'));
  assert.equal(cellsIn(state), 1);
  for (const cells of ['2', '']) {
    assert.match(migrate(state, cells), /binding = "CELL_1"\ndatabase_name = "trackmate-1"\nmigrations_dir = "\//);
    assert.equal(cellsIn(state), 2);
  }
  for (const cell of cellNames(2)) {
    const database = new DatabaseSync(databaseFile(state, cell));
    assert.equal(database.prepare(TABLES).get().n, 3, cell);
    database.close();
  }
});

test('a number of cells that is none is refused with a fix', () => {
  for (const cells of ['0', '-1', '1.5', 'many', '65']) {
    assert.throws(() => migrate(join(tmpdir(), 'trackmate-none'), cells), /CELLS is ".*"/, cells);
  }
});

test('the harness starts a Worker with three separate databases, each with the whole schema', async (t) => {
  const trackMate = await startTrackMate({}, null, { cells: 3 });
  t.after(() => trackMate.close());
  for (const cell of cellNames(3)) {
    const d1 = await trackMate.d1(cell);
    assert.equal(await d1.prepare(TABLES).first('n'), 3, cell);
    await d1.prepare('insert into away (company, state, since) values (?, ?, 0)').bind(cell, 'gone').run();
    assert.deepEqual((await d1.prepare('select company from away').all()).results, [{ company: cell }]);
  }
  assert.ok((await trackMate.companies()).companyId);
});

test('a locked cell leaves the others in use', async (t) => {
  const state = newState(t, 3);
  const trackMate = await startWrangler(state, await freePort());
  t.after(() => trackMate.kill());
  const release = lockDatabase(state, 'CELL_2');
  t.after(release);
  assert.ok((await trackMate.companies()).companyId);
  release();
  const releaseAll = lockDatabase(state);
  t.after(releaseAll);
  await assert.rejects(trackMate.companies(), /no company: 503/);
});

test('the command line creates and lists companies with the operator key, and without it sends nothing', async (t) => {
  const trackMate = await startTrackMate({ CELLS: '{"CELL_1":{"jurisdiction":"eu"}}' }, null, { cells: 2 });
  t.after(() => trackMate.close());
  const cli = commandLine();
  t.after(cli.close);
  const run = (key, ...args) => cli.run([...args, '--url', trackMate.url], { env: key && { TRACKMATE_OPERATOR_KEY: key } });
  const created = done(await run(trackMate.operatorKey, 'companies', 'create', 'Shop Berlin', '--id', 'TM-BERLIN', '--json')).json;
  assert.equal(created.company.id, 'TM-BERLIN');
  assert.match(done(await run(trackMate.operatorKey, 'companies', 'create', 'Other')).stdout, /^Company Other \(TM-[^]*Server key {2}tm_[^]*Store the keys/);
  const list = done(await run(trackMate.operatorKey, 'companies', 'list', '--limit', '1')).stdout;
  assert.match(list, /^ID +Name +Cell\nTM-\w+ +(Shop Berlin|Other) +DB\n\nMore: --cursor \S+\n$/);
  const shown = samples('sh').filter(({ file, info }) => file === 'docs/cells.md' && info === 'operate');
  const lines = shown.flatMap(({ text }) => [...text.matchAll(/^npx trackmate companies create "(.*)" (--\w+) (.*)$/gm)]);
  assert.equal(lines.length, 2);
  for (const [, name, option, value] of lines) {
    const { json } = done(await run(trackMate.operatorKey, 'companies', 'create', name, option, value.replace('eu-1', '1'), '--json'));
    assert.equal(json.company.cell, 'CELL_1', name);
  }
  assert.match(done(await run(trackMate.operatorKey, 'companies', 'list')).stdout, /Shop Hamburg +CELL_1\n/);
  const none = await run(trackMate.operatorKey, 'companies', 'create', 'Nowhere', '--jurisdiction', 'us');
  assert.equal(none.code, EXIT.failed);
  assert.match(none.stderr, /no open database fits/);
  const nobody = await run(trackMate.operatorKey, 'companies', 'move', 'TM-NOBODY', '--to', 'CELL_1');
  assert.equal(nobody.code, EXIT.notFound);
  for (const args of [['cells'], ['companies', 'list'], ['companies', 'move', 'TM-BERLIN', '--to', 'CELL_1']]) {
    const { code, stderr } = await run(null, ...args);
    assert.equal(code, EXIT.usage, args.join(' '));
    assert.match(stderr, /operator key is missing: set TRACKMATE_OPERATOR_KEY/);
  }
  for (const args of [['cells'], ['companies', 'list']]) assert.equal((await run('wrong', ...args)).code, EXIT.notAuthorised);
});

test('the command line lists and closes cells, and moves a company there while it watches', async (t) => {
  const vars = { CELLS: '{"CELL_1":{"jurisdiction":"eu"}}', MOVE_AFTER_MS: '0', MOVE_PURGE_AFTER_MS: '0' };
  const trackMate = await startTrackMate(vars, null, { cells: 2 });
  t.after(() => trackMate.close());
  const cli = commandLine();
  t.after(cli.close);
  const run = (...args) => cli.run([...args, '--url', trackMate.url], { env: { TRACKMATE_OPERATOR_KEY: trackMate.operatorKey } });
  const { companyId } = await trackMate.companies();
  await trackMate.sweep();
  const { stdout: list } = done(await run('cells'));
  for (const line of [/^Cell +State +Place +Companies /m, /^DB +open +- +1 /m, /^CELL_1 +open +eu +0 /m]) assert.match(list, line);
  assert.equal(done(await run('cells', '--json')).json.cells.length, 2);

  const move = ['companies', 'move', companyId, '--to', '1'];
  const other = await run(...move);
  assert.equal(other.code, EXIT.failed);
  assert.match(other.stderr, /another jurisdiction/);
  assert.match(done(await run('cells', 'set', '1', 'closed')).stdout, /^CELL_1 is closed/);
  assert.match((await run(...move, '--force')).stderr, /the cell is closed/);
  assert.equal((await run('cells', 'set', 'nowhere', 'open')).code, EXIT.notFound);
  done(await run('cells', 'set', 'CELL_1', 'open'));

  const { stdout } = done(await run(...move, '--force', '--watch'));
  assert.match(stdout, /(switched|done), from DB to CELL_1, \d+ rows copied, frozen for \d+ ms\n$/);
  assert.match(done(await run('companies', 'list')).stdout, new RegExp(`${companyId} +Test company +CELL_1`));
  assert.equal((await run('companies', 'abort-move', companyId)).code, EXIT.failed);

  await trackMate.sweep();
  const backup = await run('backup', 'all.backup');
  assert.equal(backup.code, EXIT.failed);
  assert.match(backup.stderr, /DB only, and CELL_1 has companies too: back up each company by itself/);
});
