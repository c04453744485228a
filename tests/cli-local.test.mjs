// The command-line manager as a process, without TrackMate: local commands, and servers that are
// not TrackMate.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandLine, done, EXIT } from './support/cli.mjs';
import { until } from './support/harness.mjs';
import { isSigned, isStandardSigned, startReceiver } from './support/receiver.mjs';

const SECRET = `whsec_${randomBytes(24).toString('base64')}`;

describe('the command-line manager on its own', () => {
  let cli;
  before(() => {
    cli = commandLine();
  });
  after(() => cli.close());
  const run = (...args) => cli.run(...args);
  const listen = (...args) => cli.listen(...args);

  describe('the command line without a server', () => {
    const BODY = '{"event":"match","note":"é"}';
    const hex = createHmac('sha256', SECRET).update(BODY).digest('hex');
    const key = Buffer.from(SECRET.slice(6), 'base64');
    const v1 = (id, timestamp) =>
      `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${BODY}`).digest('base64')}`;
    const now = () => Math.floor(Date.now() / 1000);

    test('sign creates the same signatures as Node’s crypto module', async () => {
      const signed = done(
        await run(['sign', '--secret', SECRET, '--id', 'msg_1', '--timestamp', '1614265330'], { input: BODY }),
      );
      assert.equal(
        signed.stdout,
        `X-Webhook-Signature: ${hex}\nwebhook-id: msg_1\nwebhook-timestamp: 1614265330\nwebhook-signature: ${v1('msg_1', 1614265330)}\n`,
      );
      writeFileSync(join(cli.folder, 'body.json'), BODY);
      const json = done(
        await run(['sign', '--json', '--body', 'body.json'], { env: { TRACKMATE_WEBHOOK_SECRET: SECRET } }),
      ).json;
      assert.deepEqual(json, { 'X-Webhook-Signature': hex });
    });

    test('verify accepts signatures of Node’s crypto module and rejects others', async () => {
      const verify = (signature, more = [], input = BODY) =>
        run(['verify', '--secret', SECRET, '--signature', signature, ...more], { input });
      const of = (id, timestamp) => ['--id', id, '--timestamp', String(timestamp)];
      done(await verify(hex));
      done(await verify(v1('m', now()), of('m', now())));
      done(await verify(`v1,AAAA ${v1('m', 1)}`, of('m', 1)));
      for (const wrong of [
        verify(hex, [], `${BODY} `),
        verify('ab'),
        verify(v1('m', 1), of('m', 2)),
        verify(v1('m', 1), of('n', 1)),
      ]) {
        const { code, stdout } = await wrong;
        assert.deepEqual([code, stdout.includes('not valid ✗')], [EXIT.failed, true]);
      }
      assert.match((await verify(hex, [], `${BODY}\n`)).stderr, /line break that was not signed/);
      assert.match((await verify(v1('m', 1), of('m', 1))).stderr, /would reject it as too old/);
      assert.equal((await verify(v1('m', 1))).code, EXIT.usage);
      assert.deepEqual((await verify(hex, ['--json'])).json, { valid: true, scheme: 'X-Webhook-Signature' });
    });

    test('completions prints a script for each shell', async () => {
      for (const shell of ['bash', 'zsh', 'fish', 'powershell', 'elvish']) {
        assert.match(done(await run(['completions', shell])).stdout, /webhooks/, shell);
      }
    });

    test('a wrong command line fails with a usage error that shows no secret', async () => {
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

    /** Posts a body. Returns [status, body]. */
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

    test('listen receives, shows and verifies deliveries', async (t) => {
      const listener = await listen(t, ['--secret', SECRET]);
      assert.deepEqual(await post(`${listener.url}/hook`, signed()), [200, '{"received":true}']);
      const text = await until('the delivery', () => listener.text().includes('"note"') && listener.text());
      assert.match(
        text,
        /match {2}POST \/hook {2}→ 200\n {3}webhook-id: +msg_1\n {3}X-Webhook-Signature: ✓ valid\n {3}webhook-signature: +✓ valid\n/,
      );
      assert.match(text, /"note": "é"/);
      assert.equal((await post(listener.url, { ...signed(), 'x-webhook-signature': 'ab' }))[0], 401);
      assert.equal((await post(listener.url, signed(now() - 360)))[0], 401);
      assert.equal((await post(listener.url, {}))[0], 401);
      await until('their reasons', () =>
        /✗ not valid for this secret[^]*✗ valid, but more than five minutes old[^]*- absent/.test(listener.text()),
      );
      assert.equal((await fetch(listener.url)).status, 405);
    });

    test('listen removes escape sequences from deliveries', async (t) => {
      const listener = await listen(t, []);
      await post(listener.url, {}, '\x1b[2J not JSON');
      await until('the delivery', () => listener.text().includes('not JSON'));
      assert.ok(!listener.text().includes('\x1b'));
    });

    test('listen forwards verified deliveries unchanged and returns the answer', async (t) => {
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
      assert.deepEqual(
        lines.map(({ verified, status }) => [verified, status]),
        [
          [true, 202],
          [false, 401],
        ],
      );
      assert.deepEqual(lines[0].body, JSON.parse(BODY));
      await target.close();
      assert.equal((await post(listener.url, signed()))[0], 502);
    });
  });

  describe('the command line with a server that is not TrackMate', () => {
    /** Serves the same answer for every request. Returns {url, requests}. */
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

    test('a redirect does not get the key', async (t) => {
      const other = await answering(t, () => [200, {}, '{"webhooks":[]}']);
      const first = await answering(t, () => [302, { location: other.url }, '']);
      const { code } = await run(['webhooks', 'list', '--url', first.url, '--key', 'k']);
      assert.deepEqual([code, first.requests.length, other.requests.length], [EXIT.unreachable, 1, 0]);
    });

    test('an answer that is not TrackMate’s is reported as such', async (t) => {
      const { url } = await answering(t, () => [404, {}, '<h1>Not found</h1>']);
      const { code, stderr } = await run(['webhooks', 'list', '--url', url, '--key', 'k']);
      assert.equal(code, EXIT.unreachable);
      assert.match(stderr, /answered 404, but not like TrackMate/);
    });

    test('recover repeats its request until no deliveries are left', async (t) => {
      const steps = [
        { requeued: 500, hasMore: true, nextCursor: 'c1' },
        { requeued: 500, hasMore: true },
        { requeued: 7, hasMore: false },
      ];
      const { url, requests } = await answering(t, (n) => [
        200,
        {},
        JSON.stringify({ success: true, ...steps[n - 1] }),
      ]);
      const args = [
        'webhooks',
        'recover',
        'wh_1',
        '--since',
        '2025-10-18',
        '--status',
        'exhausted',
        '--url',
        url,
        '--key',
        'k',
      ];
      assert.equal(done(await run(args)).stdout, '1007 requeued\n');
      const body = { since: '2025-10-18T00:00:00.000Z', status: 'exhausted' };
      assert.deepEqual(
        requests.map((request) => JSON.parse(request.body)),
        [body, { ...body, cursor: 'c1' }, body],
      );
    });

    test('recover fails if it makes no progress', async (t) => {
      const { url } = await answering(t, () => [
        200,
        {},
        '{"success":true,"requeued":0,"hasMore":true,"nextCursor":null}',
      ]);
      const { code, stderr } = await run(['webhooks', 'recover', 'wh_1', '--since', '1h', '--url', url, '--key', 'k']);
      assert.equal(code, EXIT.failed, stderr);
    });
  });
});
