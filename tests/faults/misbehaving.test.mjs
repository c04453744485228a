// What a receiver that misbehaves costs: its own deliveries, each with a recorded reason, and nothing of anybody else's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answer, breakOff, dripBody, dripHead, flood, hang, reset, say, startChaos, unpacks } from '../support/chaos.mjs';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { isSigned } from '../support/receiver.mjs';
import { freePort, newState, startWrangler } from '../support/wrangler.mjs';

/** Long beside what a busy machine needs for an answer that does come. */
const TIMEOUT_MS = 3000;
const TRIES = 2;
const FLOOD_BYTES = 300 * 1024 * 1024;
const ANSWER_BYTES_MAX = 16 * 1024;
/** A body of so many bytes is below the limit as long as it is packed. */
const UNPACKED_BYTES = 12 * 1024 * 1024;

describe('a receiver that misbehaves', () => {
  const state = newState({ after });
  let trackMate;
  before(async () => {
    trackMate = await startWrangler(state, await freePort());
  });
  after(() => trackMate?.kill());

  /** A subscription of its own to a receiver of its own → {receiver, webhook, send, ended}. */
  async function world(t, c, name, behave, more = {}) {
    const receiver = await startChaos(behave, more);
    t.after(receiver.close);
    const webhook = await c.subscribe(`${receiver.url}/hook`, [name], { retryAttempts: TRIES, retryDelay: 1, timeoutMs: TIMEOUT_MS });
    return {
      receiver,
      webhook,
      send: (count = 1) => c.tryServer({ events: Array.from({ length: count }, () => ({ eventType: name })) }),
      ended: (count = 1) =>
        until(
          `${count} ends of ${name}`,
          async () => {
            const deliveries = await c.deliveries(webhook.id);
            return deliveries.length === count && deliveries.every((d) => d.finishedAt) && deliveries;
          },
        ),
    };
  }
  const codes = (delivery) => delivery.attempts.map((a) => a.statusCode);

  test('has its deliveries ended as its answers say, each with its reason, while another’s all arrive once', async (t) => {
    const c = await newCompany(trackMate);
    const none = Array(TRIES).fill(null);
    const scripts = {
      'answers 500': [answer(500), 'exhausted', [500, 500]],
      'is reset after it read': [reset, 'exhausted', none],
      hangs: [hang, 'exhausted', none],
      'drips its head': [dripHead(200), 'exhausted', none],
      'drips its body': [dripBody(200), 'delivered', [200]],
      'drips the body of a 503': [dripBody(503), 'exhausted', [503, 503]],
      'babbles': [say('\x16\x03\x01\x00 this is not HTTP\r\n\r\n'), 'exhausted', none],
      'says nothing and closes': [say(''), 'exhausted', none],
      'breaks off in its head': [say('HTTP/1.1 200 O'), 'exhausted', none],
      'breaks off in its body': [breakOff(200), 'delivered', [200]],
      'sends us on': [answer(302, { location: '/elsewhere' }), 'failed_permanent', [302]],
      'knows nothing of it': [answer(404), 'failed_permanent', [404]],
      'is gone': [answer(410), 'failed_permanent', [410]],
    };
    const healthy = await world(t, c, 'healthy', () => answer(200));
    const refusing = await world(t, c, 'refuses', () => assert.fail('nothing is read'), { refuse: () => true });
    const busy = await world(t, c, 'busy', (_, n) => (n === 1 ? answer(429, { 'retry-after': 3 }) : answer(200)));
    const worlds = Object.fromEntries(await Promise.all(Object.entries(scripts).map(async ([name, [behave]]) => [name, await world(t, c, name, () => behave)])));
    for (const w of [...Object.values(worlds), refusing, busy]) await w.send();
    await healthy.send(50);

    await healthy.ended(50);
    assert.equal(healthy.receiver.requests.length, 50);
    assert.equal(new Set(healthy.receiver.requests.map((r) => r.id)).size, 50);
    for (const [name, [, status, statusCodes]] of [...Object.entries(scripts), ['refuses', [null, 'exhausted', none]]]) {
      const w = worlds[name] ?? refusing;
      const [delivery] = await w.ended();
      assert.deepEqual([delivery.status, codes(delivery)], [status, statusCodes], name);
      for (const attempt of delivery.attempts) {
        assert.ok(attempt.success ? attempt.error === null : attempt.error.length > 0, `${name}: ${attempt.error}`);
        assert.ok(attempt.durationMs < 2 * TIMEOUT_MS, `${name} took ${attempt.durationMs} ms`);
        if (['hangs', 'drips its head'].includes(name)) assert.ok(attempt.durationMs >= TIMEOUT_MS - 100, `${name} took ${attempt.durationMs} ms`);
      }
      const { requests } = w.receiver;
      assert.equal(requests.length, name === 'refuses' ? 0 : statusCodes.length, name);
      assert.ok(requests.every((r) => r.path === '/hook' && r.id === delivery.id && r.body.equals(requests[0].body) && isSigned(r, w.webhook.secret)), name);
    }
    assert.equal(refusing.receiver.refused, TRIES);
    const [waited] = await busy.ended();
    assert.deepEqual([waited.status, codes(waited)], ['delivered', [429, 200]]);
    const [first, second] = busy.receiver.requests;
    assert.ok(second.at - first.at >= 2900, `came again after ${second.at - first.at} ms`);
    const gone = (await c.get(`/api/admin/webhooks/${worlds['is gone'].webhook.id}`)).body.webhook;
    assert.deepEqual([gone.active, /410/.test(gone.disabledReason)], [false, true]);
  });

  test('costs no more than its timeout and 16 KB, whatever it pours out', async (t) => {
    const c = await newCompany(trackMate);
    let sent = 0;
    const pouring = (status) => flood(status, FLOOD_BYTES, (bytes) => (sent += bytes));
    const cases = {
      'pours 200': [pouring(200), 'delivered', [200]],
      'pours 500': [pouring(500), 'exhausted', [500, 500]],
      'pours headers': [pouring(null), 'exhausted', [null, null]],
      'unpacks to megabytes': [unpacks(200, UNPACKED_BYTES), 'delivered', [200]],
    };
    // Once without measuring: what the process takes for its first delivery is not the flood's.
    const warm = await world(t, c, 'warm', () => answer(200));
    await warm.send(20);
    await warm.ended(20);
    for (const [name, [behave, ends, statusCodes]] of Object.entries(cases)) {
      sent = 0;
      const before = trackMate.memoryKb();
      let peak = before;
      const w = await world(t, c, name, () => behave);
      await w.send();
      const [delivery] = await until(
        `the end of ${name}`,
        async () => {
          peak = Math.max(peak, trackMate.memoryKb());
          const deliveries = await c.deliveries(w.webhook.id);
          return deliveries[0]?.finishedAt && deliveries;
        },
      );
      const kept = delivery.attempts.map((a) => a.responseBody?.length ?? 0);
      t.diagnostic(`${name}: ${Math.round(sent / 1024)} KB taken of ${delivery.attempts.length} × ${FLOOD_BYTES / 1024} KB, ${kept} bytes kept, ${delivery.attempts.map((a) => a.durationMs)} ms, workerd +${Math.round((peak - before) / 1024)} MB`);
      assert.deepEqual([delivery.status, codes(delivery)], [ends, statusCodes], name);
      assert.ok(kept.every((bytes) => bytes <= ANSWER_BYTES_MAX), `${name}: ${kept} bytes kept`);
      assert.ok(delivery.attempts.every((a) => a.durationMs < 2 * TIMEOUT_MS), `${name}: ${delivery.attempts.map((a) => a.durationMs)} ms`);
      assert.ok(peak - before < 100 * 1024, `${name}: workerd grew by ${peak - before} KB`);
    }
  });
});
