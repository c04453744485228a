// The packages that users install, on a machine without Rust and without a C compiler: packed,
// installed in an empty folder, and run.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
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
  const run = (command, args, options) => execFileSync(command, args, { cwd: folder, encoding: 'utf8', env, ...options });
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
    const files = fs.readdirSync(packed).filter((name) => !name.includes('browser'));
    const paths = files.map((name) => join(packed, name));
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', ...paths], { stdio: 'pipe' });
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  test('the installed package has the version and the help of the command line', () => {
    const { version } = JSON.parse(fs.readFileSync(join(folder, 'node_modules/trackmate/package.json'), 'utf8'));
    assert.equal(run('npx', ['trackmate', '--version']).trim(), `trackmate ${version}`);
    assert.match(run('npx', ['trackmate', '--help']), /\n {2}dev +Run TrackMate on this machine/);
  });

  test('the launcher passes on the exit code and the output of the binary', () => {
    const launched = () => run('npx', ['trackmate', '--json', 'webhooks', 'list'], { stdio: 'pipe' });
    assert.throws(launched, (error) => error.status === 2 && JSON.parse(error.stderr).code === 'usage');
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
