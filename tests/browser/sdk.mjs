// The SDK in a real browser against a scripted server: what it sends, when, and what it keeps when the network or the page goes.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { launch, until, visit } from './browser.mjs';
import { startCollector } from './collector.mjs';

const SESSION = /^session_\d{10}_[0-9a-f]{32}$/;

/** Imports the module in the page and points it at the collector. */
const begin = (page, api, options) =>
  page.evaluate(
    async ([api, options]) => {
      window.sdk = (await import('/sdk/trackmate.js')).default;
      window.sdk.init('TM-TEST', api, options);
      return window.sdk.getSessionId();
    },
    [api, options],
  );
const ready = (page) => page.evaluate(() => window.sdk.flush());
const stored = (page) => page.evaluate(() => Object.entries(localStorage));
const queued = async (page) => (await stored(page)).filter(([key]) => key.startsWith('trackmate.queue.')).length;

/** Keeps the wasm from arriving until told. */
async function holdWasm(page) {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route('**/trackmate_bg.wasm*', async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

describe('the SDK', () => {
  let browser, collector, page;
  before(async () => {
    browser = await launch();
    collector = await startCollector();
  });
  after(async () => {
    await browser.close();
    await collector.close();
  });
  beforeEach(async () => {
    collector.clear();
    collector.script = () => 200;
    page = await visit(browser, collector.url);
  });
  afterEach(() => page.context().close());

  test('gives the session id from the first line, keeps it in localStorage and across pages', async () => {
    const early = await begin(page, collector.url);
    assert.match(early, SESSION);
    await ready(page);
    assert.equal(await page.evaluate(() => window.sdk.getSessionId()), early);
    assert.ok((await stored(page)).some(([key, value]) => key === 'trackmate.session' && value.startsWith(early)));
    await page.goto(`${collector.url}/404.html?next`);
    assert.equal(await begin(page, collector.url), early);
  });

  test('begins another session when the stored one has been idle for half an hour', async () => {
    const early = await begin(page, collector.url);
    await ready(page);
    await page.evaluate(() => {
      const [id, last] = localStorage.getItem('trackmate.session').split(' ');
      localStorage.setItem('trackmate.session', `${id} ${Number(last) - 30 * 60_000}`);
    });
    const next = await page.evaluate(() => window.sdk.getSessionId());
    assert.match(next, SESSION);
    assert.notEqual(next, early);
  });

  test('keeps one session where storage is closed', async () => {
    await page.context().close();
    const closeStorage = () => Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('closed'); } });
    page = await visit(browser, collector.url, { prepare: (page) => page.addInitScript(closeStorage) });
    const early = await begin(page, collector.url);
    await page.evaluate(() => window.sdk.track('closed', {}));
    await ready(page);
    assert.equal(await page.evaluate(() => window.sdk.getSessionId()), early);
    assert.equal(collector.accepted()[0].sessionId, early);
  });

  test('sends what was tracked as one simple request, in order, each event with its own id and time', async () => {
    await begin(page, `${collector.url}/`);
    await page.evaluate(() => {
      window.sdk.trackPageView();
      window.sdk.track('a', { n: 1 });
      window.sdk.track('b', { n: 2 }, { timestamp: '2025-10-18T10:00:00Z', messageId: 'chosen' });
      window.sdk.track('c');
    });
    await until('a batch', () => collector.requests.length);
    const [{ contentType, body }] = collector.requests;
    assert.match(contentType, /^text\/plain/);
    assert.equal(body.company_id, 'TM-TEST');
    assert.match(body.sessionId, SESSION);
    assert.match(body.sentAt, /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/);
    assert.deepEqual(body.events.map(({ eventType }) => eventType), ['page_view', 'a', 'b', 'c']);
    const [view, a, b, c] = body.events;
    const address = `${collector.url}/404.html`;
    assert.deepEqual(view.eventData, { address, title: 'Not found · TrackMate', referrer: '', path: '/404.html' });
    assert.deepEqual([a.eventData, b.eventData, c.eventData], [{ n: 1 }, { n: 2 }, {}]);
    assert.deepEqual([b.timestamp, b.messageId], ['2025-10-18T10:00:00.000Z', 'chosen']);
    assert.ok(view.timestamp < a.timestamp && a.timestamp < c.timestamp);
    assert.match(a.messageId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await until('the page to take note of the answer', async () => (await queued(page)) === 0);
  });

  test('talks to a server of another origin without a preflight', async () => {
    const other = await startCollector();
    try {
      await begin(page, other.url);
      await page.evaluate(() => window.sdk.track('abroad', {}));
      await page.evaluate(() => window.sdk.identify({ email: 'a@example.com' }));
      assert.deepEqual(other.requests.map(({ method, path }) => `${method} ${path}`), ['POST /api/events', 'POST /api/profile']);
    } finally {
      await other.close();
    }
  });

  test('holds calls made before the wasm arrived, with the times and the data they were made with', async () => {
    const release = await holdWasm(page);
    await begin(page, collector.url);
    const before = await page.evaluate(() => {
      const data = { n: 1 };
      window.sdk.track('early', data);
      data.n = 2;
      window.who = window.sdk.identify({ name: 'Ann', email: 'ann@example.com' });
      return new Date().toISOString();
    });
    assert.deepEqual(collector.requests, []);
    release();
    assert.deepEqual(await page.evaluate(() => window.who), { profileId: 'profile-1' });
    const [events, profile] = collector.requests;
    assert.equal(events.body.events[0].eventData.n, 1);
    assert.ok(events.body.events[0].timestamp <= before);
    assert.equal(profile.body.email, 'ann@example.com');
    assert.equal(profile.body.sessionId, events.body.sessionId);
  });

  test('holds calls made before init, until init', async () => {
    await page.evaluate(async () => {
      window.sdk = (await import('/sdk/trackmate.js')).default;
      window.sdk.track('before-init', {});
    });
    await begin(page, collector.url);
    await until('the event', () => collector.names().includes('before-init'));
  });

  test('works from the classic script too, where identify returns its promise before anything is loaded', async () => {
    const release = await holdWasm(page);
    await page.addScriptTag({ url: '/sdk/snippet.js' });
    const session = await page.evaluate((api) => {
      window.TrackMate.track('from-snippet', {});
      window.TrackMate.init('TM-TEST', api);
      window.who = window.TrackMate.identify({ email: 'ann@example.com' });
      return window.TrackMate.getSessionId();
    }, collector.url);
    release();
    assert.deepEqual(await page.evaluate(() => window.who), { profileId: 'profile-1' });
    assert.deepEqual(collector.names(), ['from-snippet']);
    assert.equal(collector.accepted()[0].sessionId, session);
  });

  test('says why an identify was refused, and does not repeat it', async () => {
    await begin(page, collector.url);
    collector.script = ({ pathname }) => (pathname === '/api/profile' ? 422 : 200);
    const refusal = await page.evaluate(() => window.sdk.identify({ email: 'x' }).catch(({ name, code, message }) => ({ name, code, message })));
    assert.deepEqual(refusal, { name: 'Error', code: 'scripted', message: 'as the test says' });
    assert.equal(collector.requests.length, 1);
    assert.equal(await queued(page), 0);
  });

  test('drops refused events with a warning, and repeats failed ones with the same ids', async () => {
    await begin(page, collector.url);
    collector.script = () => 403;
    await page.evaluate(() => window.sdk.track('refused', {}));
    await ready(page);
    assert.equal(await queued(page), 0);
    assert.ok(page.said.some((line) => line.includes('refused: scripted')), page.said.join('\n'));

    collector.clear();
    const failures = ['cut', 503, 200];
    collector.script = () => failures.shift() ?? 200;
    await page.evaluate(() => window.sdk.track('stubborn', {}));
    await until('the third try', () => collector.requests.length === 3);
    const ids = collector.requests.map(({ body }) => body.events[0].messageId);
    assert.deepEqual(ids, Array(3).fill(ids[0]));
    await until('the queue to empty', async () => (await queued(page)) === 0);
  });

  test('keeps to the pause the server asks for', async () => {
    await begin(page, collector.url);
    collector.script = () => (collector.requests.length ? 200 : [429, { 'Retry-After': '3' }]);
    const asked = Date.now();
    await page.evaluate(() => window.sdk.track('patient', {}));
    await until('the event', () => collector.names().length);
    assert.ok(Date.now() - asked >= 3_000);
  });

  test('delivers what was tracked in the last moment of a page', async () => {
    await begin(page, collector.url, { flushInterval: 60_000 });
    await ready(page);
    await page.evaluate(() => window.sdk.track('last-words', { text: 'x'.repeat(10_000) }));
    await page.close({ runBeforeUnload: true });
    await until('the event', () => collector.names().includes('last-words'));
  });

  test('loses and doubles nothing over a reload during an outage', async () => {
    await begin(page, collector.url);
    collector.script = () => 503;
    await page.evaluate(() => {
      for (let n = 0; n < 30; n++) window.sdk.track(`outage-${n}`, { n });
    });
    await until('a failed try', () => collector.requests.length);
    assert.equal(await queued(page), 30);
    await page.reload();
    collector.script = () => 200;
    await begin(page, collector.url);
    await page.evaluate(() => window.sdk.track('after', {}));
    await until('the rest', () => collector.names().includes('after'));
    assert.deepEqual(collector.names(), [...Array.from({ length: 30 }, (_, n) => `outage-${n}`), 'after']);
    assert.equal(new Set(collector.accepted().map(({ messageId }) => messageId)).size, 31);
    await until('the page to take note of the answer', async () => (await queued(page)) === 0);
  });

  for (const early of [true, false]) {
    const when = early ? 'before the wasm arrived' : 'afterwards';
    test(`begins another session on reset, at once and for later calls only, ${when}`, async () => {
      const release = await holdWasm(page);
      if (!early) release();
      const first = await begin(page, collector.url);
      if (!early) await ready(page);
      const second = await page.evaluate(() => {
        window.sdk.track('before', {});
        window.sdk.reset();
        window.sdk.track('after', {});
        return window.sdk.getSessionId();
      });
      release();
      await ready(page);
      assert.notEqual(second, first);
      const sessions = collector.accepted().map(({ eventType, sessionId }) => [eventType, sessionId]);
      assert.deepEqual(sessions, [['before', first], ['after', second]]);
      assert.equal(await page.evaluate(() => window.sdk.getSessionId()), second);
    });
  }

  test('never throws into the page', async () => {
    await begin(page, collector.url);
    const refused = await page.evaluate(() => {
      const circle = {};
      circle.self = circle;
      window.sdk.track('circle', circle);
      window.sdk.track('', {});
      window.sdk.track('bad-time', {}, { timestamp: 'yesterday' });
      return window.sdk.identify(circle).catch((error) => error.name);
    });
    assert.equal(refused, 'TypeError');
    await ready(page);
    assert.deepEqual(collector.names(), ['bad-time']);
    assert.equal(page.said.length, 3, page.said.join('\n'));
  });
});
