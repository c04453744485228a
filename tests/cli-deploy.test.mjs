// `trackmate deploy` as a process, with the pinned wrangler, Cloudflare's API on this machine, and
// the real Worker behind the deployment's address.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';
import { startAddress } from './support/address.mjs';
import { commandLine, done, EXIT } from './support/cli.mjs';
import { startCloudflare } from './support/cloudflare.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('deploy', () => {
  let cli, cloudflare, address, config;
  before(async () => {
    cli = commandLine();
    cloudflare = await startCloudflare();
    address = await startAddress(cloudflare.account);
    config = join(cli.folder, '.config/trackmate/config.json');
  });
  after(async () => {
    await address?.close();
    cloudflare?.close();
    cli.close();
  });
  const run = (args, env = {}, url = address.url) => {
    const { PATH } = process.env;
    const all = { ...cloudflare.env, PATH, TRACKMATE_PACKAGE: ROOT, TRACKMATE_NODE: process.execPath, ...env };
    return cli.run(url ? [...args, '--url', url] : args, { env: all });
  };

  test('a dry run lists what would be made, and changes nothing', async () => {
    const { stdout } = done(await run(['deploy', '--dry-run']));
    const lines = ['create  D1 database trackmate', 'create  queue trackmate-spill-dead', 'deploy  Worker trackmate'];
    for (const line of lines) assert.ok(stdout.includes(line), stdout);
    const { json } = done(await run(['deploy', '--dry-run', '--json']));
    assert.ok(json.resources.every(({ exists }) => !exists));
    assert.deepEqual(cloudflare.account.made, []);
    assert.ok(!existsSync(join(cli.folder, 'trackmate')) && !existsSync(config));
  });

  test('a new deployment does not take the profile of another one', async () => {
    const other = { url: 'https://other.example', adminKey: 'tm_admin_other' };
    mkdirSync(dirname(config), { recursive: true });
    writeFileSync(config, JSON.stringify(other), { mode: 0o600 });
    const { code, stderr } = await run(['deploy']);
    assert.equal(code, EXIT.usage);
    assert.match(stderr, /is of https:\/\/other\.example.*--profile/);
    assert.deepEqual(cloudflare.account.made, []);
    assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), other);
    rmSync(config);
  });

  test('upgrade and doctor say that nothing is deployed yet', async () => {
    assert.equal((await run(['upgrade'])).code, EXIT.usage);
    const { code, json } = await run(['doctor', '--json']);
    assert.equal(code, EXIT.failed);
    const failed = json.checks.filter(({ ok }) => !ok);
    assert.ok(failed.length > 5 && failed.every(({ fix }) => fix), JSON.stringify(json));
  });

  test('two runs make each resource of wrangler.toml once, and the first company', async () => {
    const first = done(await run(['deploy', '--company', 'Shop']));
    assert.deepEqual(cloudflare.account.unknown, []);
    const { made } = cloudflare.account;
    const { queues, d1_databases: databases, triggers } = readConfig({ config: join(ROOT, 'wrangler.toml') });
    const all = [...queues.producers, ...queues.consumers];
    const names = all.flatMap((one) => [one.queue, one.dead_letter_queue ?? one.queue]);
    const expected = [
      ...databases.map(({ database_name: name }) => `database ${name}`),
      ...[...new Set(names)].map((name) => `queue ${name}`),
      ...queues.consumers.map(({ queue }) => `consumer ${queue}`),
      ...triggers.crons.map((cron) => `cron ${cron}`),
      'Worker',
    ];
    assert.deepEqual(made.filter((one) => !one.startsWith('migration ')).sort(), expected.sort());
    assert.deepEqual(Object.keys(cloudflare.account.secrets), ['OPERATOR_KEY', 'SECRETS_KEY']);
    for (const secret of Object.values(cloudflare.account.secrets)) assert.match(secret, /^[0-9a-f]{64}$/);

    const stored = JSON.parse(readFileSync(config, 'utf8'));
    assert.equal(statSync(config).mode & 0o777, 0o600);
    assert.equal(stored.operatorKey, cloudflare.account.secrets.OPERATOR_KEY);
    assert.ok(first.stdout.includes(stored.adminKey) && first.stdout.includes(stored.serverKey), first.stdout);
    assert.ok(!(first.stdout + first.stderr).includes(stored.operatorKey), 'secrets are not shown');
    assert.match(done(await run(['whoami'])).stdout, /^Shop \(TM-/);

    const before = made.length;
    const second = done(await run(['deploy', '--free']));
    assert.match(second.stdout, /^Nothing was changed/);
    assert.match(second.stderr, /--free changes nothing/);
    assert.ok(!second.stdout.includes(stored.adminKey), 'keys are shown once');
    assert.deepEqual(made.slice(before), []);
    assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), stored);
  });

  test('an edited wrangler.toml is kept and deployed, and nothing else is made again', async () => {
    const file = join(cli.folder, 'trackmate/wrangler.toml');
    const edited = readFileSync(file, 'utf8').replace('ATTEMPTS_MAX = "12"', 'ATTEMPTS_MAX = "200"');
    writeFileSync(file, edited);
    const before = cloudflare.account.made.length;
    done(await run(['deploy']));
    assert.deepEqual(cloudflare.account.made.slice(before), ['Worker', 'cron * * * * *']);
    assert.equal(readFileSync(file, 'utf8'), edited);
    const { text } = cloudflare.account.script.bindings.find(({ name }) => name === 'ATTEMPTS_MAX');
    assert.equal(text, '200');
  });

  test('a wrangler.toml that cannot be read is a usage error that names it', async () => {
    const file = join(cli.folder, 'trackmate/wrangler.toml');
    const valid = readFileSync(file, 'utf8');
    for (const broken of ['name =', 'name = "trackmate"']) {
      writeFileSync(file, broken);
      const { code, stderr } = await run(['deploy']);
      assert.equal(code, EXIT.usage);
      assert.match(stderr, /wrangler\.toml/);
    }
    writeFileSync(file, valid);
  });

  test('a deployment that broke off before its triggers were set is completed', async () => {
    const { account } = cloudflare;
    account.crons = [];
    account.queues.get('trackmate-spill').consumers = [];
    const before = account.made.length;
    done(await run(['deploy']));
    assert.deepEqual(account.made.slice(before), ['Worker', 'cron * * * * *', 'consumer trackmate-spill']);
  });

  test('doctor finds nothing to do, and names each problem with its fix', async () => {
    const { account } = cloudflare;
    await address.sweep();
    const healthy = done(await run(['doctor', '--json'])).json;
    const names = healthy.checks.map(({ name }) => name);
    for (const name of ['sweep', 'deliveries', 'outage buffer', 'migrations', 'cron']) assert.ok(names.includes(name), name);
    const { crons, script } = account;
    account.crons = [];
    account.script = { ...script, bindings: script.bindings.filter(({ name }) => name !== 'RATE_KEYS') };
    account.fileSize = 9_000_000_000;
    const file = join(cli.folder, 'trackmate/wrangler.toml');
    const edited = readFileSync(file, 'utf8');
    writeFileSync(file, edited.replace(/^COUNT_SLICES_MAX.*\n/m, ''));
    const { code, stdout } = await run(['doctor']);
    assert.equal(code, EXIT.failed);
    for (const line of [
      '✗ cron: missing: * * * * *',
      '✗ rate limits: missing: RATE_KEYS',
      '✗ configuration: missing: the variable COUNT_SLICES_MAX',
      '✗ database size: 90 % full, 9000 of 10000 MB',
      '✓ ready: ok',
    ])
      assert.ok(stdout.includes(line), stdout);
    assert.equal(stdout.match(/✗/g).length, stdout.match(/ Fix: /g).length);
    Object.assign(account, { crons, script, fileSize: 4096 });
    writeFileSync(file, edited);
  });

  test('upgrade deploys what is new, waits until it answers, and says how to go back', async () => {
    const { account } = cloudflare;
    const [{ id }] = account.versions;
    account.versions[0].annotations = { 'workers/tag': 'trackmate-older' };
    const migrations = join(ROOT, 'edge/migrations');
    const names = readdirSync(migrations).sort();
    const newest = names.pop();
    account.migrateAgain(names.map((name) => [name, readFileSync(join(migrations, name), 'utf8')]));
    const before = account.made.length;
    const { stdout, stderr } = done(await run(['upgrade', '--wait', '60']));
    assert.deepEqual(account.made.slice(before), [`migration ${newest}`, 'Worker', 'cron * * * * *']);
    assert.match(stdout, /^TrackMate \d+\.\d+\.\d+ runs at http.*, with schema \d+\.\n$/);
    assert.ok(stderr.includes(`npx wrangler rollback ${id} --config trackmate/wrangler.toml`), stderr);
    assert.match(stderr, /time-travel restore trackmate --bookmark=00000001-00000002-00000003 /);
    assert.equal(done(await run(['upgrade', '--json'])).json.changed, false);
  });

  test('upgrade to another version than the package has says how to get that version', async () => {
    const { code, stderr } = await run(['upgrade', '--to', '9.9.9']);
    assert.equal(code, EXIT.usage);
    assert.match(stderr, /npx trackmate@9\.9\.9 upgrade/);
  });

  test('upgrade fails if the new version does not answer, and says how to go back', async () => {
    const nobody = ['--wait', '0', '--url', 'http://127.0.0.1:9'];
    const { code, stderr } = await run(['upgrade', ...nobody], {}, null);
    assert.equal(code, EXIT.failed);
    assert.match(stderr, /did not answer version .* within 0 s[^]*To go back[^]*npx wrangler rollback/);
  });

  test('a missing secret is set again from the stored one', async () => {
    const { account } = cloudflare;
    const { SECRETS_KEY: key } = account.secrets;
    delete account.secrets.SECRETS_KEY;
    done(await run(['deploy']));
    assert.equal(account.secrets.SECRETS_KEY, key);
  });

  test('a token that Cloudflare refuses is an error that does not show it', async () => {
    const { code, stderr } = await run(['deploy'], { CLOUDFLARE_API_TOKEN: 'wrong-token' });
    assert.equal(code, EXIT.failed);
    assert.match(stderr, /Cloudflare answered 403: Authentication error \(code 10000\)/);
    assert.ok(!stderr.includes('wrong-token'));
  });

  test('no file of a deployment keeps a secret', () => {
    const folder = join(cli.folder, 'trackmate');
    const temporary = ['secrets.json', 'secrets.part', 'deployed.ndjson'];
    for (const name of temporary) assert.ok(!existsSync(join(folder, name)), name);
  });
});
