// The command-line manager as a process: its output, its exit codes, and what it does to the real Worker.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { trackmate } from './support/cli.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from './support/receiver.mjs';

const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const RULE = '━'.repeat(60);
const EXIT = { done: 0, failed: 1, usage: 2, notAuthorised: 3, notFound: 4, unreachable: 5 };

describe('the command-line manager', () => {
  let bin;
  let folder;
  before(() => {
    bin = trackmate();
    folder = mkdtempSync(join(tmpdir(), 'trackmate-cli-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts the binary with nothing of this machine's own settings. */
  function start(args, env, cwd = folder) {
    return spawn(bin, args, { cwd, env: { HOME: folder, TZ: 'UTC', ...env } });
  }

  /** Runs it to its end → {code, stdout, stderr, json}. */
  async function run(args, { env, input = '', cwd } = {}) {
    const child = start(args, env, cwd);
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (part) => (text[stream] += part));
    child.stdin.on('error', () => {}); // It may end without reading.
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return {
      code,
      ...text,
      get json() {
        return JSON.parse(text.stdout);
      },
    };
  }

  const done = (result) => {
    assert.equal(result.code, EXIT.done, result.stdout + result.stderr);
    return result;
  };

  /** Starts `listen` → {url, text(), json()}: what it has printed. */
  async function listen(t, args) {
    const child = start(['listen', '--port', '0', ...args]);
    t.after(() => child.kill('SIGKILL'));
    let out = '';
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (out += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (told += part));
    const [, url] = await until('listening', () => told.match(/Listening on (http:\S+)/));
    return { url, text: () => out, lines: () => out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
  }

  describe('without a server', () => {
    const BODY = '{"event":"match","note":"é"}';
    const hex = createHmac('sha256', SECRET).update(BODY).digest('hex');
    const key = Buffer.from(SECRET.slice(6), 'base64');
    const v1 = (id, timestamp) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${BODY}`).digest('base64')}`;
    const now = () => Math.floor(Date.now() / 1000);

    test('signs as node’s own crypto does', async () => {
      const signed = done(await run(['sign', '--secret', SECRET, '--id', 'msg_1', '--timestamp', '1614265330'], { input: BODY }));
      assert.equal(signed.stdout, `X-Webhook-Signature: ${hex}\nwebhook-id: msg_1\nwebhook-timestamp: 1614265330\nwebhook-signature: ${v1('msg_1', 1614265330)}\n`);
      writeFileSync(join(folder, 'body.json'), BODY);
      const json = done(await run(['sign', '--json', '--body', 'body.json'], { env: { TRACKMATE_WEBHOOK_SECRET: SECRET } })).json;
      assert.deepEqual(json, { 'X-Webhook-Signature': hex });
    });

    test('verifies what node’s own crypto signed, and only that', async () => {
      const verify = (signature, more = [], input = BODY) => run(['verify', '--secret', SECRET, '--signature', signature, ...more], { input });
      const of = (id, timestamp) => ['--id', id, '--timestamp', String(timestamp)];
      done(await verify(hex));
      done(await verify(v1('m', now()), of('m', now())));
      done(await verify(`v1,AAAA ${v1('m', 1)}`, of('m', 1)));
      for (const wrong of [verify(hex, [], `${BODY} `), verify('ab'), verify(v1('m', 1), of('m', 2)), verify(v1('m', 1), of('n', 1))]) {
        const { code, stdout } = await wrong;
        assert.deepEqual([code, stdout.includes('not valid ✗')], [EXIT.failed, true]);
      }
      assert.match((await verify(hex, [], `${BODY}\n`)).stderr, /end of line that was not signed/);
      assert.match((await verify(v1('m', 1), of('m', 1))).stderr, /would refuse it as old/);
      assert.equal((await verify(v1('m', 1))).code, EXIT.usage);
      assert.deepEqual((await verify(hex, ['--json'])).json, { valid: true, scheme: 'X-Webhook-Signature' });
    });

    test('prints completions for each shell', async () => {
      for (const shell of ['bash', 'zsh', 'fish', 'powershell', 'elvish']) {
        assert.match(done(await run(['completions', shell])).stdout, /webhooks/, shell);
      }
    });

    test('says what is wrong with a call, and never shows a secret', async () => {
      const nowhere = ['--url', 'http://127.0.0.1:9', '--key', 'tm_admin_topsecret'];
      const cases = [
        [EXIT.usage, []],
        [EXIT.usage, ['webhooks', 'list']],
        [EXIT.usage, ['webhooks', 'remove', '../settings', ...nowhere]],
        [EXIT.usage, ['webhooks', 'add', 'https://a.example', 'A', ' , ', ...nowhere]],
        [EXIT.usage, ['webhooks', 'add', 'https://a.example', 'A', '--header', 'Bearer topsecret', ...nowhere]],
        [EXIT.usage, ['webhooks', 'recover', 'wh_1', '--since', 'yesterday', ...nowhere]],
        [EXIT.unreachable, ['webhooks', 'list', ...nowhere]],
      ];
      for (const [code, args] of cases) {
        const result = await run(args);
        assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
        assert.ok(!`${result.stdout}${result.stderr}`.includes('topsecret'), result.stderr);
      }
      const { code, stdout, stderr } = await run(['webhooks', 'list', '--json', ...nowhere]);
      assert.deepEqual([code, stdout, JSON.parse(stderr).code], [EXIT.unreachable, '', 'unreachable']);
    });

    /** Posts → [status, body]. */
    async function post(url, headers, body = BODY) {
      const answer = await fetch(url, { method: 'POST', headers, body });
      return [answer.status, await answer.text()];
    }

    const signed = (timestamp = now()) => ({
      'x-webhook-signature': hex,
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': v1('msg_1', timestamp),
    });

    test('receives, shows and verifies deliveries', async (t) => {
      const listener = await listen(t, ['--secret', SECRET]);
      assert.deepEqual(await post(`${listener.url}/hook`, signed()), [200, '{"received":true}']);
      const text = await until('the delivery', () => listener.text().includes('"note"') && listener.text());
      assert.match(text, /match {2}POST \/hook {2}→ 200\n {3}webhook-id: +msg_1\n {3}X-Webhook-Signature: ✓ valid\n {3}webhook-signature: +✓ valid\n/);
      assert.match(text, /"note": "é"/);
      assert.equal((await post(listener.url, { ...signed(), 'x-webhook-signature': 'ab' }))[0], 401);
      assert.equal((await post(listener.url, signed(now() - 360)))[0], 401);
      assert.equal((await post(listener.url, {}))[0], 401);
      await until('their reasons', () => /✗ not of this secret[^]*✗ valid, but more than five minutes old[^]*- absent/.test(listener.text()));
      assert.equal((await fetch(listener.url)).status, 405);
    });

    test('shows a delivery without letting it steer the terminal', async (t) => {
      const listener = await listen(t, []);
      await post(listener.url, {}, '\x1b[2J not JSON');
      await until('the delivery', () => listener.text().includes('not JSON'));
      assert.ok(!listener.text().includes('\x1b'));
    });

    test('passes on what it verified, as it came, and answers what it was answered', async (t) => {
      const target = await startReceiver(() => ({ status: 202, body: '{"queued":1}' }));
      t.after(target.close);
      const listener = await listen(t, ['--json', '--secret', SECRET, '--forward', `${target.url}/in`]);
      assert.deepEqual(await post(`${listener.url}/hook`, signed()), [202, '{"queued":1}']);
      assert.equal((await post(listener.url, { ...signed(), 'webhook-id': 'forged' }))[0], 401);
      assert.equal(target.requests.length, 1);
      const [request] = target.requests;
      assert.deepEqual([request.path, String(request.body)], ['/in', BODY]);
      assert.ok(isSigned(request, SECRET) && isStandardSigned(request, SECRET));
      const lines = await until('two lines', () => listener.lines().length === 2 && listener.lines());
      assert.deepEqual(lines.map(({ verified, status }) => [verified, status]), [[true, 202], [false, 401]]);
      assert.deepEqual(lines[0].body, JSON.parse(BODY));
      await target.close();
      assert.equal((await post(listener.url, signed()))[0], 502);
    });
  });

  describe('with a server of another kind', () => {
    /** Serves one answer for everything → {url, requests}. */
    async function answering(t, answer) {
      const requests = [];
      const server = createServer((incoming, outgoing) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => {
          requests.push({ path: incoming.url, headers: incoming.headers, body: Buffer.concat(chunks).toString() });
          const [status, headers, body] = answer(requests.length);
          outgoing.writeHead(status, headers).end(body);
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close().closeAllConnections());
      return { url: `http://127.0.0.1:${server.address().port}`, requests };
    }

    test('does not carry the key along a redirect', async (t) => {
      const other = await answering(t, () => [200, {}, '{"webhooks":[]}']);
      const first = await answering(t, () => [302, { location: other.url }, '']);
      const { code } = await run(['webhooks', 'list', '--url', first.url, '--key', 'k']);
      assert.deepEqual([code, first.requests.length, other.requests.length], [EXIT.unreachable, 1, 0]);
    });

    test('says that an address is not TrackMate’s', async (t) => {
      const { url } = await answering(t, () => [404, {}, '<h1>Not found</h1>']);
      const { code, stderr } = await run(['webhooks', 'list', '--url', url, '--key', 'k']);
      assert.equal(code, EXIT.unreachable);
      assert.match(stderr, /answered 404, and not as TrackMate does/);
    });

    test('recovers step by step until there is no more', async (t) => {
      const steps = [
        { requeued: 500, hasMore: true, nextCursor: 'c1' },
        { requeued: 500, hasMore: true },
        { requeued: 7, hasMore: false },
      ];
      const { url, requests } = await answering(t, (n) => [200, {}, JSON.stringify({ success: true, ...steps[n - 1] })]);
      const args = ['webhooks', 'recover', 'wh_1', '--since', '2025-10-18', '--status', 'exhausted', '--url', url, '--key', 'k'];
      assert.equal(done(await run(args)).stdout, '1007 requeued\n');
      const asked = { since: '2025-10-18T00:00:00.000Z', status: 'exhausted' };
      assert.deepEqual(requests.map(({ body }) => JSON.parse(body)), [asked, { ...asked, cursor: 'c1' }, asked]);
    });

    test('ends a recovery that does not come further', async (t) => {
      const { url } = await answering(t, () => [200, {}, '{"success":true,"requeued":0,"hasMore":true,"nextCursor":null}']);
      const { code, stderr } = await run(['webhooks', 'recover', 'wh_1', '--since', '1h', '--url', url, '--key', 'k']);
      assert.equal(code, EXIT.failed, stderr);
    });
  });

  describe('with the real Worker', () => {
    let trackMate;
    before(async () => {
      trackMate = await startTrackMate();
    });
    after(() => trackMate?.close());

    /** A company, a receiver, and the manager with that company's key. */
    async function world(t, answer) {
      const company = await newCompany(trackMate);
      const receiver = await startReceiver(answer);
      t.after(receiver.close);
      const env = { TRACKMATE_URL: trackMate.url, TRACKMATE_ADMIN_KEY: company.adminKey };
      const webhooks = (...args) => run(['webhooks', ...args], { env });
      return {
        company,
        receiver,
        env,
        webhooks,
        json: async (...args) => done(await webhooks(...args, '--json')).json,
        add: async (...args) => (done(await webhooks('add', `${receiver.url}/hook`, ...args, '--json'))).json.webhook,
      };
    }

    test('adds, lists, tests, counts and removes a webhook', async (t) => {
      const w = await world(t);
      const added = done(await w.webhooks('add', `${w.receiver.url}/hook`, 'My App', 'match,upload', '--header', 'X-Webhook-Secret=hush', '--preset', 'funnel', '--rate-limit', '50'));
      const [, id] = added.stdout.match(/ID: +(\S+)/);
      const [, secret] = added.stdout.match(/Secret: +(whsec_\S+)/);

      done(await w.webhooks('test', `${w.receiver.url}/hook`));
      done(await w.webhooks('test', id));
      assert.equal(w.receiver.requests.length, 2);
      assert.ok(w.receiver.requests.every((request) => isSigned(request, secret) && isStandardSigned(request, secret)));
      assert.equal(w.receiver.requests[0].headers['x-webhook-secret'], 'hush');

      await w.company.tryServer({ eventType: 'match', eventData: { confidence: 0.87 } });
      const [webhook] = await until('the count', async () => {
        const { webhooks } = await w.json('list');
        return webhooks[0].stats.success >= 1 && webhooks;
      });
      assert.deepEqual([webhook.name, webhook.events, webhook.preset, webhook.rateLimit], ['My App', ['match', 'upload'], 'funnel', 50]);
      const { stdout: list } = done(await w.webhooks('list'));
      assert.ok(list.startsWith(`Configured Webhooks:\n${RULE}\n\n1. My App ✓\n   ID:             ${id}\n   URL:            ${w.receiver.url}/hook\n   Events:         match, upload\n`), list);
      assert.match(list, /\n {3}Headers: +x-webhook-secret: \*\*\*\n {3}Success: +1\n {3}Failures: +0\n/i);
      assert.match(list, /\n {3}Last Triggered: \d+\/\d+\/\d{4}, \d+:\d\d:\d\d [AP]M\n/);
      assert.doesNotMatch(list, /hush|whsec_/);
      assert.match(done(await w.webhooks('stats')).stdout, /\nMy App +✓ +1 +0 +0 +100\.0 % +200 /);
      assert.equal((await w.json('stats')).webhooks.length, 1);

      done(await w.webhooks('remove', id));
      assert.equal((await w.webhooks('remove', id)).code, EXIT.notFound);
      assert.equal((await w.webhooks('test', `${w.receiver.url}/hook`)).code, EXIT.notFound);
      assert.match(done(await w.webhooks('list')).stdout, /None yet/);
    });

    test('fails when a test delivery is not taken, and shows what the receiver said', async (t) => {
      const w = await world(t, () => ({ status: 500, body: 'out of order' }));
      const { id } = await w.add('Broken');
      const { code, stdout } = await w.webhooks('test', id);
      assert.equal(code, EXIT.failed);
      assert.match(stdout, /not taken ✗\n {3}Status: +500\n[^]*Answer: +out of order/);
      const json = await w.webhooks('test', id, '--json');
      assert.deepEqual([json.code, json.json.delivered], [EXIT.failed, false]);
    });

    test('switches one webhook and all of them off and on', async (t) => {
      const w = await world(t);
      const { id } = await w.add('Switched');
      done(await w.webhooks('disable', id));
      assert.match(done(await w.webhooks('list')).stdout, /1\. Switched ✗/);
      await w.company.tryServer({ eventType: 'held' });
      assert.match(done(await w.webhooks('stats')).stdout, /\nSwitched +✗ +0 +0 +1 /);
      done(await w.webhooks('enable', id));
      await until('what was held', () => w.receiver.requests.length === 1);

      done(await w.webhooks('disable'));
      assert.match(done(await w.webhooks('list')).stdout, /All webhooks are switched off/);
      assert.equal((await w.json('enable')).settings.webhooksEnabled, true);
      assert.doesNotMatch(done(await w.webhooks('list')).stdout, /switched off/);

      done(await w.webhooks('disable', id));
      await w.company.tryServer({ eventType: 'dismissed' });
      done(await w.webhooks('enable', id, '--dismiss-held'));
      await until('its end', async () => (await w.json('deliveries', id, '--status', 'dismissed')).deliveries.length === 1);
      assert.equal(w.receiver.requests.length, 1);
    });

    test('rotates a secret, and deliveries carry both signatures', async (t) => {
      const w = await world(t);
      const { id, secret: old } = await w.add('Rotated');
      const rotated = done(await w.webhooks('rotate', id, '--grace-hours', '1'));
      const [, secret] = rotated.stdout.match(/Secret: +(whsec_\S+)/);
      assert.notEqual(secret, old);
      await w.company.tryServer({ eventType: 'match' });
      await until('a delivery', () => w.receiver.requests.length === 1);
      const { headers, body } = w.receiver.requests[0];
      for (const each of [old, secret]) {
        const args = ['verify', '--secret', each, '--signature', headers['webhook-signature'], '--id', headers['webhook-id'], '--timestamp', headers['webhook-timestamp']];
        done(await run(args, { input: body }));
      }
    });

    test('listens for deliveries of either secret while one replaces the other', async (t) => {
      const w = await world(t);
      const { id, secret: old } = await w.add('Listened');
      const { webhook } = await w.json('rotate', id);
      await w.company.tryServer({ eventType: 'match' });
      await until('a delivery', () => w.receiver.requests.length === 1);
      const { headers, body } = w.receiver.requests[0];
      for (const secret of [old, webhook.secret]) {
        const { url } = await listen(t, ['--secret', secret]);
        const { host, connection, 'content-length': _, 'transfer-encoding': __, ...onward } = headers;
        assert.equal((await fetch(url, { method: 'POST', headers: onward, body })).status, 200);
      }
    });

    test('shows deliveries, recovers what was given up and resends one', async (t) => {
      let healed = false;
      const w = await world(t, () => (healed ? 200 : 404));
      const { id } = await w.add('Refusing', 'e.*');
      for (const name of ['e.1', 'e.2', 'e.3']) await w.company.tryServer({ eventType: name });
      const of = (status, count) =>
        until(`${count} ${status}`, async () => {
          const { deliveries } = await w.json('deliveries', id, '--status', status);
          return deliveries.length === count && deliveries;
        });
      await of('failed_permanent', 3);
      const { stdout: page } = done(await w.webhooks('deliveries', id, '--limit', '2'));
      assert.equal(page.match(/failed_permanent +1 +404/g).length, 2);
      const [, cursor] = page.match(/There are more: --cursor (\S+)/);
      assert.equal((await w.json('deliveries', id, '--limit', '2', '--cursor', cursor)).deliveries.length, 1);

      healed = true;
      assert.deepEqual(await w.json('recover', id, '--since', '1h'), { success: true, requeued: 3, hasMore: false, nextCursor: null });
      const [delivered] = await of('delivered', 3);
      assert.equal(done(await w.webhooks('recover', id, '--since', '1h')).stdout, '0 requeued\n');
      assert.equal(w.receiver.requests.length, 6);

      done(await w.webhooks('resend', id, delivered.id));
      await until('it once more', () => w.receiver.requests.length === 7);
      assert.equal((await w.webhooks('resend', id, 'nothing')).code, EXIT.notFound);
    });

    test('infers, checks, sets and shows a tracking plan', async (t) => {
      const { company: c, env } = await world(t);
      const plans = (args, input) => run(['plan', ...args], { env, input });
      await c.track(c.session(), { eventType: 'paid', eventData: { amount: 1 } }, { eventType: 'paid', eventData: { amount: 2, note: 'x' } });
      const { stdout: plan } = done(await plans(['infer']));
      assert.deepEqual(JSON.parse(plan).events.paid.required, ['amount']);
      writeFileSync(join(folder, 'plan.json'), plan);
      const events = [{ eventType: 'paid', eventData: { amount: 3 } }, { eventType: 'paid', eventData: {} }, { eventType: 'sold' }];
      const input = events.map((event) => JSON.stringify(event)).join('\n');
      const checked = await plans(['check', '-', '--plan', 'plan.json'], input);
      assert.equal(checked.code, EXIT.failed);
      assert.match(checked.stdout, /^2\. paid: eventData\.amount is missing.*\n3\. sold: .*no event of this name\n$/);
      assert.match(checked.stderr, /would refuse 2 of 3 events/);
      assert.equal((await plans(['set', '--mode', 'reject'])).code, EXIT.failed, 'there is none yet');
      assert.match(done(await plans(['set', 'plan.json', '--mode', 'reject'])).stdout, /^Mode: reject, 1 events\n {2}paid {2}amount\*: number, note: string\n$/);
      assert.deepEqual((await c.track(c.session(), ...events)).body.rejected.length, 2);
      assert.equal(done(await plans(['check', '-'], JSON.stringify(events.slice(0, 1)))).stdout, 'The plan takes all 1 events.\n');
      const shown = await until('the counts', async () => {
        const { stdout } = done(await plans(['show']));
        return stdout.includes('unknown_event') && stdout;
      });
      assert.match(shown, /paid +eventData\.amount +missing_field +1 /);
      assert.equal(done(await plans(['set', '--mode', 'off', '--json'])).json.plan.mode, 'off');
    });

    test('says which key was refused, without showing it', async (t) => {
      const w = await world(t);
      const refused = async (key) => {
        const { code, stdout, stderr } = await run(['webhooks', 'list'], { env: { ...w.env, TRACKMATE_ADMIN_KEY: key } });
        assert.deepEqual([code, stdout], [EXIT.notAuthorised, '']);
        assert.match(stderr, /the key came from TRACKMATE_ADMIN_KEY, the address \S+ from TRACKMATE_URL/);
        assert.ok(!stderr.includes(key), stderr);
      };
      await refused('tm_admin_wrong');
      await refused(w.company.serverKey);
      const json = await run(['webhooks', 'list', '--json'], { env: { ...w.env, TRACKMATE_ADMIN_KEY: 'wrong' } });
      assert.equal(JSON.parse(json.stderr).code, 'invalid_key');
    });

    test('says what the API refuses, and with which code', async (t) => {
      const w = await world(t);
      const { code, stderr } = await w.webhooks('add', 'https://10.0.0.1/hook', 'Private');
      assert.equal(code, EXIT.failed);
      assert.match(stderr, /\(invalid_url, field url, request \S+\)/);
    });

    test('reads its settings from the user’s file, else from the folder’s, and warns when others can read it', async (t) => {
      const w = await world(t);
      const home = mkdtempSync(join(folder, 'home-'));
      const keep = (path, mode) => {
        mkdirSync(join(home, path, '..'), { recursive: true });
        writeFileSync(join(home, path), JSON.stringify({ url: trackMate.url, adminKey: w.company.adminKey }));
        chmodSync(join(home, path), mode);
      };
      const list = (more = []) => run(['webhooks', 'list', ...more], { env: { HOME: home }, cwd: home });
      assert.match((await list()).stderr, /is not known: give --url/);
      keep('.trackmate/dev.json', 0o600);
      assert.equal(done(await list()).stderr, '');
      assert.match((await list(['--key', 'wrong'])).stderr, /the key came from --key, the address \S+ from \.trackmate\/dev\.json/);
      keep('.config/trackmate/config.json', 0o644);
      assert.match(done(await list()).stderr, /other users of this machine can read the key in .*config\.json; fix: chmod 600/);
    });
  });
});
