// `trackmate tail`, `receipt` and `rejected` as processes, against the real Worker and over a
// connection that breaks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { trackmate } from './support/cli.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { startReceiver } from './support/receiver.mjs';

/** A connection to the Worker that can be cut. Returns {url, cut, close, connections}. */
async function startProxy(to) {
  const { hostname, port } = new URL(to);
  const ends = new Set();
  const state = { connections: 0, isDown: false };
  const server = createServer((near) => {
    if (state.isDown) return near.destroy();
    state.connections += 1;
    const far = connect(Number(port), hostname);
    for (const end of [near, far]) {
      ends.add(end);
      end.on('error', () => {}).on('close', () => ends.delete(end));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = () => ends.forEach((end) => end.destroy());
  return Object.assign(state, {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    close: () => {
      cut();
      server.close();
    },
  });
}

describe('watching events on the command line', () => {
  let bin;
  let folder;
  let trackMate;
  before(async () => {
    bin = trackmate();
    folder = mkdtempSync(join(tmpdir(), 'trackmate-tail-'));
    trackMate = await startTrackMate();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await trackMate?.close();
  });

  /** Starts the binary. Returns {text, notes, ended: its exit code, kill}. */
  function start(t, c, args, url = trackMate.url) {
    const child = spawn(bin, args, {
      cwd: folder,
      env: { HOME: folder, TZ: 'UTC', TRACKMATE_URL: url, TRACKMATE_ADMIN_KEY: c.adminKey },
    });
    const self = {
      text: '',
      notes: '',
      ended: once(child, 'close').then(([code]) => code),
      kill: () => child.kill('SIGKILL'),
    };
    t.after(self.kill);
    child.stdout.setEncoding('utf8').on('data', (part) => (self.text += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (self.notes += part));
    return self;
  }
  const watching = (tail) => until('watching', () => tail.notes.includes('Watching'));
  const run = async (t, c, args) => {
    const process = start(t, c, args);
    return { code: await process.ended, ...process };
  };

  test('tail shows each event as a line, and only matching ones with a filter', async (t) => {
    const c = await newCompany(trackMate);
    const [all, refused, json] = [
      start(t, c, ['tail', '--count', '4']),
      start(t, c, ['tail', '--outcome', 'rejected', '--count', '1']),
      start(t, c, ['tail', '--json', '--event', 'paid', '--count', '1']),
    ];
    await Promise.all([all, refused, json].map(watching));
    const session = c.session();
    await c.track(
      session,
      { eventType: 'page_view', messageId: 'p-1', eventData: { address: 'https://shop.example/\u001b[2J' } },
      { eventType: 'signup', timestamp: 'never', eventData: { email: 'ada@secret.example' } },
    );
    await c.track(session, { eventType: 'page_view', messageId: 'p-1' });
    await c.tryServer({ identifier: { email: 'ada@example.com' }, eventType: 'paid', eventData: { amount: 5 } });
    assert.deepEqual(await Promise.all([all.ended, refused.ended, json.ended]), [0, 0, 0]);
    const lines = all.text
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, '').replaceAll(/ {2,}/g, ' | '));
    assert.deepEqual(lines.slice(0, 3).toSorted(), [
      'browser | duplicate | page_view | {"address":"https://shop.example/\\u001b[2J"}',
      'browser | rejected | signup | invalid_timestamp: timestamp is ISO 8601 or epoch milliseconds | {"email":"string(18)"}',
      'browser | stored | page_view | {"address":"https://shop.example/\\u001b[2J"}',
    ]);
    assert.match(lines[3], /^server \| stored \| paid \| [0-9a-f]{24} \| \{"amount":5\}$/);
    assert.match(refused.text, /rejected +signup +invalid_timestamp/);
    assert.deepEqual([JSON.parse(json.text).eventType, JSON.parse(json.text).outcome], ['paid', 'stored']);
  });

  test('tail reconnects after a break and shows each entry once', async (t) => {
    const c = await newCompany(trackMate);
    const proxy = await startProxy(trackMate.url);
    t.after(() => proxy.close());
    const tail = start(t, c, ['tail', '--json'], proxy.url);
    await watching(tail);
    const shown = () =>
      tail.text
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line).eventType);
    const send = async (from, to) => {
      for (let n = from; n < to; n += 1) await c.track(c.session(), { eventType: `e${n}` });
    };
    await send(0, 5);
    await until('the first', () => shown().length === 5);
    proxy.isDown = true;
    proxy.cut();
    await send(5, 10);
    await until('a try in vain', () => tail.notes.includes('retrying'));
    proxy.isDown = false;
    await send(10, 15);
    await until('the rest', () => shown().length >= 15);
    proxy.cut();
    await send(15, 20);
    await until('all', () => shown().length >= 20);
    assert.deepEqual(
      shown(),
      Array.from({ length: 20 }, (_, n) => `e${n}`),
    );
    assert.ok(proxy.connections >= 3);
  });

  test('tail starts after a given entry, and fails with a reason if it is not allowed', async (t) => {
    const c = await newCompany(trackMate);
    await c.track(c.session(), ...Array.from({ length: 3 }, () => ({ eventType: '' })));
    const entries = await until('three', async () => {
      const { body } = await c.get('/api/admin/events/rejected');
      return body.rejected.length === 3 && body.rejected.toReversed();
    });
    const rest = await run(t, c, ['tail', '--json', '--after', String(entries[0].seq), '--count', '2']);
    assert.deepEqual(
      rest.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      entries.slice(1),
    );
    const stranger = await run(t, { adminKey: c.serverKey }, ['tail']);
    assert.deepEqual([stranger.code, /wrong_scope/.test(stranger.notes)], [3, true]);
    assert.equal((await run(t, c, ['tail', '--outcome', 'lost'])).code, 2);
    const nowhere = start(t, c, ['tail'], 'http://127.0.0.1:9');
    assert.equal(await nowhere.ended, 5);
  });

  test('receipt shows an event with its person and deliveries, or why it was rejected', async (t) => {
    const c = await newCompany(trackMate);
    const receiver = await startReceiver(() => ({ status: 400, body: 'no' }));
    t.after(() => receiver.close());
    await c.subscribe(`${receiver.url}/hook`, ['paid'], { name: 'CRM' });
    const session = c.session();
    const events = [
      { eventType: 'paid', messageId: 'order 77/é' },
      { eventType: 'paid', messageId: 'order-78', timestamp: 'never', eventData: { amount: 5 } },
    ];
    await c.events(session, events, { context: { campaign: { source: 'newsletter' } } });
    await c.identify(session, 'ada@example.com', { name: 'Ada', messageId: 'i-1' });
    await until(
      'an attempt',
      async () =>
        (await c.get(`/api/admin/events/${encodeURIComponent('order 77/é')}`)).body.deliveries[0]?.attempts.length,
    );
    const stored = await run(t, c, ['receipt', 'order 77/é']);
    assert.equal(stored.code, 0);
    assert.match(
      stored.text,
      /^paid stored\n {3}Message id: +order 77\/é\n {3}Source: +browser\n[^]* {3}Context: +\{"campaign":\{"source":"newsletter"\}\}\n {3}Person: +Ada, ada@example\.com, [0-9a-f]{24}\n {3}Linked by: +i-1 at /,
    );
    assert.match(stored.text, /\n {3}CRM failed_permanent\n {6}1\. \S+, \S+ \S+ {2}400/);
    const rejected = await until('a rejection', async () => {
      const result = await run(t, c, ['receipt', 'order-78']);
      return result.code === 0 && result;
    });
    assert.match(
      rejected.text,
      /^paid rejected\n[^]* {3}Code: +invalid_timestamp\n {3}Field: +timestamp\n {3}Message: +timestamp is ISO 8601[^]* {3}Fix: +Send `new Date\(\)\.toISOString\(\)`/,
    );
    assert.doesNotMatch(rejected.text, /Person|Deliveries/);
    assert.equal(
      JSON.parse((await run(t, c, ['receipt', 'order-78', '--json', '--source', 'browser'])).text).event.code,
      'invalid_timestamp',
    );
    const none = await run(t, c, ['receipt', 'order-79']);
    assert.deepEqual([none.code, /not_found/.test(none.notes)], [4, true]);
    const list = await run(t, c, ['rejected', '--code', 'invalid_timestamp']);
    assert.match(
      list.text,
      /^Time +Source +Event +Message id +Reason\n\S+, \S+ \S+ +browser +paid +order-78 +invalid_timestamp: timestamp is ISO 8601/,
    );
    assert.match((await run(t, c, ['rejected', '--code', 'too_many_events'])).text, /^Nothing was rejected\.\n$/);
  });
});
