// What survives SIGKILL: everything that was acknowledged, and every delivery that was not yet made.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { isSigned, startReceiver } from '../support/receiver.mjs';
import { freePort, migrate, startWrangler } from '../support/wrangler.mjs';

/** Fewer than the failures in a row that open a circuit. */
const EVENTS = 8;

test('killing the Worker between attempt and retry loses no delivery, and under writes no acknowledged event', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'trackmate-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  migrate(state);
  const port = await freePort();
  let healed = false;
  const receiver = await startReceiver(({ path }) => {
    if (path === '/moved') return { status: 302, headers: { location: '/elsewhere' } };
    return healed ? 200 : 503;
  });
  t.after(receiver.close);
  let trackMate = await startWrangler(state, port);
  t.after(() => trackMate.kill());

  const c = await newCompany(trackMate);
  // Later than the last of them is sent, on a busy machine too: with their retries they would be enough failures to open it.
  const webhook = await c.subscribe(`${receiver.url}/hook`, ['*'], { retryAttempts: 5, retryDelay: 10 });
  const moved = await c.subscribe(`${receiver.url}/moved`, ['moved']);
  await c.tryServer({ eventType: 'moved' });
  for (let n = 0; n < EVENTS; n += 1) await c.server(undefined, `e${n}`, { messageId: `m-${n}` });
  const seen = () => new Set(receiver.requests.filter((r) => r.path === '/hook').map((r) => r.json.event));
  await until('every first attempt', () => Array.from({ length: EVENTS }, (_, n) => `e${n}`).every((name) => seen().has(name)));
  const [redirected] = await until('the redirect ends', async () => {
    const deliveries = await c.deliveries(moved.id);
    return deliveries[0]?.finishedAt && deliveries;
  });
  assert.deepEqual([redirected.status, redirected.attempts.map((a) => a.statusCode)], ['failed_permanent', [302]]);
  assert.ok(!receiver.requests.some((r) => r.path === '/elsewhere'), 'a redirect is not followed');

  // Writers that are cut off in mid-request: what they were told is stored must be there afterwards.
  const acknowledged = [];
  const writers = Array.from({ length: 4 }, async (_, w) => {
    for (let n = 0; n < 500; n += 1) {
      const messageId = `w${w}-${n}`;
      const answer = await c.tryServer({ eventType: 'written', messageId }).catch(() => null);
      if (answer?.status !== 200) return;
      acknowledged.push(messageId);
    }
  });
  await until('some writes', () => acknowledged.length > 20);
  await trackMate.kill();
  await Promise.all(writers);
  healed = true;
  const before = receiver.requests.length;

  trackMate = await startWrangler(state, port);
  await until(
    'every event at the receiver',
    async () => {
      await trackMate.sweep();
      const delivered = new Set(receiver.requests.slice(before).map((r) => r.json.metadata.messageId));
      return Array.from({ length: EVENTS }, (_, n) => `m-${n}`).concat(acknowledged).every((id) => delivered.has(id));
    },
    90_000,
  );
  for (const messageId of acknowledged) {
    const { body } = await c.tryServer({ eventType: 'written', messageId });
    assert.deepEqual([body.accepted, body.duplicates], [0, 1], `${messageId} was acknowledged and is gone`);
  }
  // A repeated delivery is recognisable: the same id for the same event.
  const idOf = new Map();
  for (const request of receiver.requests.filter((r) => r.path === '/hook')) {
    assert.ok(isSigned(request, webhook.secret));
    const { messageId } = request.json.metadata;
    assert.equal(idOf.get(messageId) ?? request.headers['webhook-id'], request.headers['webhook-id']);
    idOf.set(messageId, request.headers['webhook-id']);
  }
});
