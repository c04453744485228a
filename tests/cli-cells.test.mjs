// Cells of a deployment: `trackmate cells add`, and migrations of all databases, with the pinned
// wrangler and Cloudflare's API on this machine.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAddress } from './support/address.mjs';
import { commandLine, done, EXIT } from './support/cli.mjs';
import { startCloudflare } from './support/cloudflare.mjs';
import { samples } from './support/docs.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MIGRATIONS = readdirSync(join(ROOT, 'edge/migrations')).sort();

describe('cells', () => {
  let cli, cloudflare, address, account, file;
  before(async () => {
    cli = commandLine();
    cloudflare = await startCloudflare();
    account = cloudflare.account;
    address = await startAddress(account, 3);
    file = join(cli.folder, 'trackmate/wrangler.toml');
  });
  after(async () => {
    await address?.close();
    cloudflare?.close();
    cli.close();
  });
  const run = (...args) => {
    const { PATH } = process.env;
    const env = { ...cloudflare.env, PATH, TRACKMATE_PACKAGE: ROOT, TRACKMATE_NODE: process.execPath };
    return cli.run([...args, '--url', address.url], { env });
  };
  /** What a run made. */
  const made = async (expected, ...args) => {
    const before = account.made.length;
    const result = await run(...args);
    assert.equal(result.code, expected, result.stdout + result.stderr);
    return [account.made.slice(before), result];
  };
  const migrations = (database) => MIGRATIONS.map((name) => `migration ${name} of ${database}`);

  test('a cell can only be added to a deployment', async () => {
    const [nothing, { stderr }] = await made(EXIT.usage, 'cells', 'add', 'eu-1');
    assert.match(stderr, /nothing is deployed yet: run `trackmate deploy`/);
    assert.deepEqual(nothing, []);
    done(await run('deploy'));
    assert.deepEqual(account.unknown, []);
  });

  test('a name or a jurisdiction that nobody has is refused before anything is made', async () => {
    for (const args of [['EU_1'], ['eu/1'], ['x'.repeat(25)], ['ch-1', '--jurisdiction', 'ch'], ['x', '--location', 'mars']]) {
      assert.deepEqual((await made(EXIT.usage, 'cells', 'add', ...args))[0], [], args.join(' '));
    }
  });

  test('a cell gets its database and outage buffer in its jurisdiction, its migrations, and the Worker', async () => {
    const old = readFileSync(file, 'utf8');
    const [[, line]] = samples('sh').filter((sample) => sample.file === 'docs/cells.md' && sample.info === 'cells').map(({ text }) => /^npx trackmate (.*)$/m.exec(text));
    assert.equal(line, 'cells add eu-1 --jurisdiction eu');
    const [steps, { json }] = await made(EXIT.done, ...line.split(' '), '--json');
    assert.deepEqual(account.unknown, []);
    const queues = ['trackmate-spill-eu', 'trackmate-spill-eu-dead', 'trackmate-spill-eu-lost'];
    const expected = ['database trackmate-eu-1', ...queues.map((name) => `queue ${name}`), ...migrations('trackmate-eu-1')];
    assert.deepEqual(steps.slice(0, expected.length), expected);
    assert.deepEqual(steps.slice(expected.length).sort(), ['Worker', ...queues.slice(0, 2).map((name) => `consumer ${name}`), 'cron * * * * *'].sort());
    const { jurisdiction, location } = account.databases.get('trackmate-eu-1');
    assert.deepEqual({ jurisdiction, location }, { jurisdiction: 'eu', location: undefined });
    for (const name of queues) assert.equal(account.queues.get(name).jurisdiction, 'eu', name);
    assert.equal(account.queues.get('trackmate-spill').jurisdiction, undefined);
    const bindings = new Map(account.script.bindings.map(({ name, ...rest }) => [name, rest]));
    for (const name of ['CELL_EU_1', 'SPILL_EU', 'LOST_EU']) assert.ok(bindings.has(name), name);
    assert.deepEqual(JSON.parse(bindings.get('CELLS').text), { CELL_EU_1: { jurisdiction: 'eu' } });
    assert.deepEqual(json, { success: true, changed: true, cell: 'CELL_EU_1', database: 'trackmate-eu-1', jurisdiction: 'eu', region: null });
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.ok(old.split('\n').every((line) => lines.includes(line)), 'the lines of the user stay');
  });

  test('the same command again changes nothing, and a cell is never moved to another place', async () => {
    const [nothing, { stdout }] = await made(EXIT.done, 'cells', 'add', 'eu-1', '--jurisdiction', 'eu');
    assert.match(stdout, /^Nothing was changed/);
    assert.deepEqual(nothing, []);
    const [none, { stderr }] = await made(EXIT.usage, 'cells', 'add', 'eu-1', '--jurisdiction', 'us');
    assert.match(stderr, /CELL_EU_1 exists.*jurisdiction eu.*choose another name/);
    assert.deepEqual(none, []);
    assert.deepEqual((await made(EXIT.done, 'deploy'))[0], []);
  });

  test('a run that broke off is completed by the same command', async () => {
    account.broken = 'trackmate-us-1';
    const args = ['cells', 'add', 'us-1', '--jurisdiction', 'us', '--location', 'wnam'];
    const [before, { stderr }] = await made(EXIT.failed, ...args);
    assert.ok(before.includes('database trackmate-us-1') && !before.includes('Worker'), before.join(', '));
    assert.match(stderr, /CELL_US_1 \(trackmate-us-1\)[^]*trackmate-us-1 is broken[^]*The Worker was not deployed/);
    account.broken = null;
    const [after] = await made(EXIT.done, ...args);
    assert.deepEqual(after.slice(0, MIGRATIONS.length), migrations('trackmate-us-1'));
    assert.equal(account.databases.get('trackmate-us-1').location, 'wnam');
    assert.ok(after.includes('Worker') && !after.includes('database trackmate-us-1'), after.join(', '));
  });

  test('a database that is not of this deployment is not taken as a cell', async () => {
    account.databases.set('trackmate-eu-9', { uuid: '9', name: 'trackmate-eu-9' });
    const [nothing, { stderr }] = await made(EXIT.failed, 'cells', 'add', 'eu-9');
    assert.match(stderr, /has a database trackmate-eu-9 that is not bound/);
    assert.deepEqual(nothing, []);
    assert.ok(!readFileSync(file, 'utf8').includes('EU_9'));
  });

  test('if the migrations of one cell fail, the Worker is not deployed, and the next run goes on with that cell', async () => {
    const newest = MIGRATIONS.at(-1);
    for (const name of ['trackmate', 'trackmate-eu-1', 'trackmate-us-1']) {
      account.migrateAgain(MIGRATIONS.slice(0, -1).map((each) => [each, readFileSync(join(ROOT, 'edge/migrations', each), 'utf8')]), name);
    }
    account.versions[0].annotations = { 'workers/tag': 'trackmate-older' };
    account.broken = 'trackmate-us-1';
    for (const command of ['upgrade', 'deploy']) {
      const [steps, { stderr }] = await made(EXIT.failed, command);
      assert.deepEqual(steps.sort(), command === 'upgrade' ? [`migration ${newest}`, `migration ${newest} of trackmate-eu-1`] : []);
      assert.match(stderr, /migrations failed\nCELL_US_1 \(trackmate-us-1\): wrangler d1 migrations apply trackmate-us-1 --remote failed/);
    }
    const [, { stderr }] = await made(EXIT.usage, 'cells', 'add', 'us-2');
    assert.match(stderr, /run `trackmate upgrade` first/);
    const [, doctor] = await made(EXIT.failed, 'doctor');
    assert.ok(doctor.stdout.includes(`✗ migrations: missing: ${newest} of trackmate-us-1`), doctor.stdout);
    account.broken = null;
    const [after, { stderr: notes }] = await made(EXIT.done, 'upgrade', '--wait', '60');
    assert.deepEqual(after, [`migration ${newest} of trackmate-us-1`, 'Worker', 'cron * * * * *']);
    for (const name of ['trackmate', 'trackmate-eu-1', 'trackmate-us-1']) {
      assert.match(notes, new RegExp(`time-travel restore ${name} --bookmark=`));
    }
  });

  test('a database outside its jurisdiction stops every deployment, and doctor names it', async () => {
    const database = account.databases.get('trackmate-eu-1');
    database.jurisdiction = null;
    account.versions[0].annotations = { 'workers/tag': 'trackmate-older' };
    const [nothing, { stderr }] = await made(EXIT.failed, 'deploy');
    assert.match(stderr, /trackmate-eu-1 exists, but not in the jurisdiction eu/);
    assert.deepEqual(nothing, []);
    assert.match((await run('doctor')).stdout, /✗ jurisdiction: the database trackmate-eu-1/);
    database.jurisdiction = 'eu';
    done(await run('deploy'));
  });

  test('doctor shows how full each database is, and that one is missing', async () => {
    account.fileSize = 8_000_000_000;
    const { stdout } = await run('doctor');
    for (const line of ['✗ database size: 80 % full', '✗ database size: CELL_EU_1: 80 % full', '✓ databases: ok']) {
      assert.ok(stdout.includes(line), stdout);
    }
    account.fileSize = 4096;
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text}\n[[d1_databases]]\nbinding = "CELL_X"\ndatabase_name = "trackmate-x"\nmigrations_dir = "edge/migrations"\n`);
    assert.ok((await run('doctor')).stdout.includes('✗ databases: missing: trackmate-x'));
    writeFileSync(file, text);
  });
});
