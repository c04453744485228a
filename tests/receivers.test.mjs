// The example receivers, each run as a customer would run it: what TrackMate signs they take, and nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LANGUAGES, isHere, startExample } from './support/examples.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { python, skip as noPython } from './support/python.mjs';
import { startReceiver } from './support/receiver.mjs';
import { freePort } from './support/wrangler.mjs';

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;
const SECRET = newSecret();
const BODY = JSON.stringify({ event: 'match', timestamp: '2025-11-30T14:30:45.123Z', data: { confidence: 0.87, note: 'é ✓' } });
const now = () => Math.floor(Date.now() / 1000);

const hex = (secret, body = BODY) => createHmac('sha256', secret).update(body).digest('hex');
function v1(secret, { id = 'msg_1', timestamp = now(), body = BODY } = {}) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
/** The headers of a delivery signed with this secret. */
function signed(secret = SECRET, { id = 'msg_1', timestamp = now(), body = BODY } = {}) {
  return {
    'x-webhook-signature': hex(secret, body),
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': v1(secret, { id, timestamp, body }),
  };
}

/** Runs a receiver until the test ends → {send, url}. */
async function start(t, language, secret, port) {
  const { url, close } = await startExample(language, secret, port);
  t.after(close);
  const send = async (headers, body = BODY) => {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    return [answer.status, await answer.text()];
  };
  return { send, url };
}

const TAKEN = [200, '{"received":true}'];
const REFUSED = [401, '{"error":"Invalid signature"}'];

describe('the example receivers', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());

  for (const [name, language] of Object.entries(LANGUAGES)) {
    // On each test and not on their suite: a skipped suite would not be counted.
    const here = { skip: isHere(language) ? false : `${language.command} is not installed` };
    describe(`in ${name}`, () => {
      test('takes what is signed, to the last byte and within five minutes', here, async (t) => {
        const { send } = await start(t, language, SECRET);
        assert.deepEqual(await send(signed()), TAKEN);
        for (const seconds of [-280, 280]) assert.deepEqual(await send(signed(SECRET, { timestamp: now() + seconds })), TAKEN, `${seconds} s`);
        const spaced = JSON.stringify(JSON.parse(BODY), null, 2);
        assert.deepEqual(await send(signed(SECRET, { body: spaced }), spaced), TAKEN);
      });

      test('takes either secret while one replaces the other', here, async (t) => {
        const other = newSecret();
        const { send } = await start(t, language, SECRET);
        const both = (first, second) => ({
          ...signed(first),
          'x-webhook-signature-previous': hex(second),
          'webhook-signature': `${v1(first)} ${v1(second)}`,
        });
        assert.deepEqual(await send(both(SECRET, other)), TAKEN);
        assert.deepEqual(await send(both(other, SECRET)), TAKEN);
        assert.deepEqual(await send(both(other, newSecret())), REFUSED);
      });

      test('takes deliveries signed with a secret of the owner’s own making', here, async (t) => {
        const { send } = await start(t, language, 'my-own-secret');
        assert.deepEqual(await send(signed('my-own-secret')), TAKEN);
        assert.deepEqual(await send(signed()), REFUSED);
      });

      test('refuses what is forged, old or malformed, and goes on', here, async (t) => {
        const { send, url } = await start(t, language, SECRET);
        const good = signed();
        const without = (header) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== header));
        const refused = {
          'nothing signed': {},
          'another secret': signed(newSecret()),
          'no hex signature': without('x-webhook-signature'),
          'no v1 signature': without('webhook-signature'),
          'no id': without('webhook-id'),
          'no timestamp': without('webhook-timestamp'),
          'another id': { ...good, 'webhook-id': 'msg_2' },
          'another time': { ...good, 'webhook-timestamp': String(now() - 60) },
          'six minutes old': signed(SECRET, { timestamp: now() - 360 }),
          'six minutes ahead': signed(SECRET, { timestamp: now() + 360 }),
          'hex of another secret': { ...good, 'x-webhook-signature': hex('other') },
          'v1 of another secret': { ...good, 'webhook-signature': v1(newSecret()) },
          'v1 without its version': { ...good, 'webhook-signature': v1(SECRET).slice(3) },
          'a longer hex signature': { ...good, 'x-webhook-signature': `${hex(SECRET)}00` },
          'a shorter hex signature': { ...good, 'x-webhook-signature': hex(SECRET).slice(1) },
          'no ASCII': { ...good, 'x-webhook-signature': 'é'.repeat(64), 'webhook-signature': `v1,${'é'.repeat(44)}` },
          'empty headers': { 'x-webhook-signature': '', 'webhook-id': '', 'webhook-timestamp': '', 'webhook-signature': '' },
        };
        for (const timestamp of ['abc', '-1', '1e9', `${now()}.5`, '9'.repeat(40), 'NaN']) refused[`the timestamp ${timestamp}`] = signed(SECRET, { timestamp });
        for (const [what, headers] of Object.entries(refused)) assert.deepEqual(await send(headers), REFUSED, what);
        assert.deepEqual(await send(good, BODY.replace('0.87', '0.88')), REFUSED, 'another body');
        assert.deepEqual(await send(good, `${BODY}\n`), REFUSED, 'one byte more');
        assert.deepEqual(await send(good, ''), REFUSED, 'no body');
        assert.equal((await send(signed(SECRET, { body: '{"event":' }), '{"event":'))[0], 400, 'signed, but no JSON');
        assert.equal((await send(good, 'x'.repeat(1024 * 1024 + 1)))[0], 413, 'too large');
        assert.equal((await fetch(url)).status, 405, 'GET');
        assert.deepEqual(await send(good), TAKEN, 'a good one after all that');
      });

      test('does nothing without a secret', here, async (t) => {
        if (name === 'PHP') {
          const { send } = await start(t, language, '');
          assert.equal((await send(signed('')))[0], 500);
        } else {
          const { status } = spawnSync(language.command, language.args(), { env: { ...process.env, WEBHOOK_SECRET: '' }, timeout: 10_000 });
          assert.equal(status, 1);
        }
      });

      test('takes what TrackMate itself sends', here, async (t) => {
        const company = await newCompany(trackMate);
        const port = await freePort();
        const webhook = await company.subscribe(`http://127.0.0.1:${port}/api/webhook`, ['match']);
        await start(t, language, webhook.secret, port);
        await company.tryServer({ eventType: 'match', eventData: { best_model: 'ray_ban_glasses.glb', note: 'é ✓' } });
        const [delivery] = await until('an end of the delivery', async () => {
          const deliveries = await company.deliveries(webhook.id);
          return deliveries[0]?.finishedAt && deliveries;
        });
        assert.deepEqual([delivery.status, delivery.attempts[0].statusCode, delivery.attempts[0].responseBody], ['delivered', ...TAKEN]);
      });
    });
  }

  // The libraries of npm are asked in tests/api/webhooks.mjs.
  test('Python’s Standard Webhooks library takes what TrackMate sends, with either secret while one replaces the other', { skip: noPython }, async (t) => {
    const company = await newCompany(trackMate);
    const receiver = await startReceiver();
    t.after(receiver.close);
    const webhook = await company.subscribe(receiver.url, ['match']);
    const rotate = async (graceHours) =>
      (await company.call('POST', `/api/admin/webhooks/${webhook.id}/rotate-secret`, { graceHours }, company.admin)).body.webhook.secret;
    const next = async (number) => {
      await company.server(undefined, 'match', { eventData: { number, note: 'é ✓' } });
      return until('a delivery', () => receiver.requests[number]);
    };
    const first = webhook.secret;
    const before = await next(0);
    const second = await rotate(1);
    const during = await next(1);
    const third = await rotate(0);
    const later = await next(2);
    const cases = [
      ['before', before, first, 'accepted'],
      ['before, the secret to come', before, second, 'No matching signature found'],
      ['during, the old secret', during, first, 'accepted'],
      ['during, the new secret', during, second, 'accepted'],
      ['afterwards, the newest secret', later, third, 'accepted'],
      ['afterwards, one that was replaced', later, second, 'No matching signature found'],
      ['another body', { ...during, body: `${during.body} ` }, second, 'No matching signature found'],
      ['another id', { ...during, headers: { ...during.headers, 'webhook-id': 'other' } }, second, 'No matching signature found'],
    ];
    const input = cases.map(([, { headers, body }, secret]) => JSON.stringify({ secret, headers, body: String(body) })).join('\n');
    const script = fileURLToPath(new URL('seeds/verify.py', import.meta.url));
    const { stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8' });
    assert.deepEqual(stdout.trim().split('\n'), cases.map(([, , , answer]) => answer), stderr);
  });
});
