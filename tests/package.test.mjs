// The packages that users install, on a machine without Rust and without a C compiler: packed,
// installed in an empty folder, and run.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';
import { trackmate } from './support/cli.mjs';
import { until } from './support/harness.mjs';
import { freePort } from './support/wrangler.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Of the start of `npx trackmate dev`, until an event is visible. */
const VISIBLE_WITHIN_MS = 60_000;
const onPath = (name) => fs.realpathSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim());

/** A folder with these programs only. A user's PATH has no cargo and no cc. */
function programs(folder, names) {
  fs.mkdirSync(folder);
  for (const name of names) fs.symlinkSync(onPath(name), join(folder, name));
  return folder;
}

describe('the packages', () => {
  let folder, env;
  const run = (command, args, options) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', env, ...options });
  before(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'trackmate-packages-'));
    const packed = join(folder, 'packed');
    // The same layout as `make package`, which packs the release build of the binary.
    execFileSync(process.execPath, [join(ROOT, 'scripts/package.mjs')], {
      env: { ...process.env, OUT: packed, BINARY: trackmate() },
    });
    env = {
      ...process.env,
      PATH: programs(join(folder, 'bin'), ['node', 'npm', 'npx', 'sh', 'ps']),
      TRACKMATE_URL: '',
      TRACKMATE_ADMIN_KEY: '',
      XDG_CONFIG_HOME: join(folder, 'config'),
    };
    const files = fs.readdirSync(packed).filter((name) => name.endsWith('.tgz') && !name.includes('browser'));
    const paths = files.map((name) => join(packed, name));
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', ...paths], { stdio: 'pipe' });
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('the installed package has the version and the help of the command line', () => {
    const { version } = JSON.parse(fs.readFileSync(join(folder, 'node_modules/trackmate/package.json'), 'utf8'));
    assert.equal(run('npx', ['trackmate', '--version']).trim(), `trackmate ${version}`);
    assert.match(run('npx', ['trackmate', '--help']), /\n {2}dev +Run TrackMate on this machine/);
  });

  test('the folder of the deploy button can be deployed without the repository', () => {
    const button = join(folder, 'packed/deploy-to-cloudflare');
    const wrangler = join(folder, 'node_modules/wrangler/bin/wrangler.js');
    const dryRun = ['deploy', '--dry-run', '--outdir', join(folder, 'dry-run')];
    const output = run(process.execPath, [wrangler, ...dryRun], { cwd: button, env: { ...env, CI: '1' } });
    assert.match(output, /env\.DB \(trackmate\)/);
    const { scripts } = JSON.parse(fs.readFileSync(join(button, 'package.json'), 'utf8'));
    // Every queue has a producer's binding, which Cloudflare provisions, or the script makes it.
    const config = readConfig({ config: join(button, 'wrangler.toml') });
    const bound = config.queues.producers.map(({ queue }) => queue);
    const used = config.queues.consumers.flatMap((one) => [one.queue, one.dead_letter_queue ?? one.queue]);
    for (const queue of used.filter((name) => !bound.includes(name))) assert.ok(scripts.deploy.includes(queue), queue);
  });

  test('the dry run of a release accepts the packages, and lists what is in them', () => {
    const { version } = JSON.parse(fs.readFileSync(join(folder, 'node_modules/trackmate/package.json'), 'utf8'));
    const packed = join(folder, 'packed');
    const release = (wanted) =>
      execFileSync('bash', [join(ROOT, 'scripts/release.sh'), wanted], {
        // Without a network, npm would try for a minute to ask the registry.
        env: { ...process.env, DRY_RUN: '1', OUT: packed, npm_config_fetch_retries: '0' },
        stdio: 'pipe',
      });
    release(`v${version}`);
    const sums = fs.readFileSync(join(packed, 'SHA256SUMS'), 'utf8');
    for (const name of ['trackmate', 'trackmate-browser', 'trackmate-deploy'])
      assert.ok(sums.includes(`${name}-${version}.tgz`), name);
    const { components } = JSON.parse(fs.readFileSync(join(packed, `trackmate-${version}.cdx.json`), 'utf8'));
    const names = components.map(({ name }) => name);
    for (const name of ['worker', 'ureq', 'wrangler', 'workerd']) assert.ok(names.includes(name), name);
    assert.throws(() => release('9.9.9'), /FAILED: versions/);
  });

  test('the launcher passes on the exit code and the output of the binary', () => {
    const launched = () => run('npx', ['trackmate', '--json', 'webhooks', 'list'], { stdio: 'pipe' });
    assert.throws(launched, (error) => error.status === 2 && JSON.parse(error.stderr).code === 'usage');
  });

  test('serve keeps its data over a restart, and its internal paths to itself', async (t) => {
    const port = await freePort();
    const state = join(folder, 'served');
    const url = `http://127.0.0.1:${port}`;
    // The container's own command and health check, with the folder and the port of this test.
    const dockerfile = fs.readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');
    const [check, command] = [...dockerfile.matchAll(/^ *CMD (\[.*\])$/gm)].map(([, words]) => JSON.parse(words));
    const args = [...command.map((word) => (word === '/data' ? state : word)), '--port', port];
    /** Starts it → a function that stops it. */
    async function serve() {
      const system = spawn('npx', args.map(String), { cwd: folder, env, stdio: 'pipe', detached: true });
      let [output, hasEnded] = ['', false];
      const ended = new Promise((done) => system.once('exit', done)).then(() => (hasEnded = true));
      t.after(() => hasEnded || process.kill(-system.pid, 'SIGTERM'));
      for (const stream of [system.stdout, system.stderr]) stream.on('data', (text) => (output += text));
      const ready = () => fetch(`${url}/readyz`).then(({ ok }) => ok, () => hasEnded);
      await until(() => `it answers: ${output}`, ready, 120_000);
      assert.ok(!hasEnded, output);
      return async () => {
        process.kill(-system.pid, 'SIGINT');
        await ended;
      };
    }

    const stop = await serve();
    run(check[0], check.slice(1).map((word) => word.replace('8787', port)));
    const keys = JSON.parse(fs.readFileSync(join(state, 'dev.json'), 'utf8'));
    assert.equal(fs.statSync(join(state, 'dev.json')).mode & 0o777, 0o600);
    const call = (path, body, key) => {
      const headers = { 'content-type': 'application/json', ...key };
      return fetch(url + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
    };
    const event = { eventType: 'served', identifier: { email: 'ada@example.com' } };
    assert.equal((await call('/api/webhooks/events', event, { 'x-trackmate-api-key': keys.serverKey })).status, 200);
    for (const path of ['/cdn-cgi/handler/scheduled', '//cdn-cgi/local', '/%63dn-cgi/local', '/a/../cdn-cgi/local'])
      assert.equal((await fetch(url + path)).status, 404, path);
    await stop();
    // wrangler finds every migration applied, so that it applies only those of a later version.
    const [file] = fs.globSync(join(state, 'v3/d1/*/*.sqlite')).filter((name) => !name.endsWith('metadata.sqlite'));
    const database = new DatabaseSync(file);
    const applied = database.prepare('select name from d1_migrations order by id').all();
    database.close();
    assert.deepEqual(applied.map(({ name }) => name), fs.readdirSync(join(ROOT, 'edge/migrations')).sort());

    const stopAgain = await serve();
    const found = await call('/api/admin/users?email=ada@example.com', null, { 'x-admin-id': keys.adminKey });
    assert.equal((await found.json()).users.length, 1);
    const hook = { name: 'Inside', url: 'http://127.0.0.1:9/', events: ['*'] };
    const refused = await call('/api/admin/webhooks', hook, { 'x-admin-id': keys.adminKey });
    assert.equal(refused.status, 400, 'webhooks into this machine are refused');
    await stopAgain();
    assert.throws(() => run(check[0], check.slice(1).map((word) => word.replace('8787', port)), { stdio: 'pipe' }));
  });

  test('without Rust and a C compiler, an event is visible within a minute of `npx trackmate dev`', async (t) => {
    const port = await freePort();
    const startTime = Date.now();
    // A process group, which gets the signals of a terminal.
    const options = { cwd: folder, env, stdio: 'pipe', detached: true };
    const system = spawn('npx', ['trackmate', 'dev', '--port', port], options);
    const ended = new Promise((done) => system.once('exit', done));
    let hasEnded = false;
    ended.then(() => (hasEnded = true));
    t.after(() => hasEnded || process.kill(-system.pid, 'SIGTERM'));
    let output = '';
    for (const stream of [system.stdout, system.stderr]) stream.on('data', (text) => (output += text));
    const ready = join(folder, '.trackmate/dev.json');
    await until(() => `the system is ready: ${output}`, () => fs.existsSync(ready) || hasEnded, 120_000);
    assert.ok(!hasEnded, output);
    const { url, adminKey, companyId } = JSON.parse(fs.readFileSync(ready, 'utf8'));

    const sessionId = `session_${Math.floor(Date.now() / 1000)}_0123456789abcdef0123456789abcdef`;
    const event = { company_id: companyId, sessionId, events: [{ eventType: 'first_event' }] };
    const sent = await fetch(`${url}/api/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    assert.equal(sent.status, 200, await sent.text());
    await until('the event is visible', async () => {
      const answer = await fetch(`${url}/api/admin/events?limit=50`, { headers: { 'x-admin-id': adminKey } });
      return (await answer.text()).includes('first_event');
    });
    const took = Date.now() - startTime;
    assert.ok(took < VISIBLE_WITHIN_MS, `${took} ms`);
    // The command line finds the running system by itself.
    assert.match(run('npx', ['trackmate', 'webhooks', 'list']), /Demo shop server/);

    process.kill(-system.pid, 'SIGINT');
    await ended;
    await until('the Worker has stopped', () => fetch(`${url}/healthz`).then(() => false, () => true));
    assert.ok(!fs.existsSync(ready), 'the file of a ready system is gone');
  });
});
