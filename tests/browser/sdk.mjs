// The SDK in a real browser with a scripted server: what it sends, stores and reports, and when.
// delivery.mjs tests that every event arrives, whatever happens.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { launch, listen, until } from './browser.mjs';
import { startCollector } from './collector.mjs';

const SESSION = /^session_\d{10}_[0-9a-f]{32}$/;
const DIST = new URL('../../www/dist/sdk/', import.meta.url);
/** Locale and time zone of the visitor, whatever those of this machine are. */
const VISITOR = { locale: 'nb-NO', timezoneId: 'America/St_Johns' };
const POLICY = "default-src 'none'; script-src 'self'; connect-src *";

const stored = (page) => page.evaluate(() => Object.entries(localStorage));
const queued = async (page) => (await stored(page)).filter(([key]) => key.startsWith('trackmate.queue.')).length;
/** Uses the SDK in the page. */
const use = (page, run, argument) => page.evaluate(run, argument);

describe('the SDK', () => {
  let browser, collector, context, page;
  /** Opens a page that loads the SDK, as the visitor of this test. */
  const open = async ({ path = '/visit.html', ready = () => window.sdk, ...query } = {}) => {
    page = listen(await context.newPage());
    await page.goto(collector.page(path, { api: collector.otherOrigin, ...query }), { waitUntil: 'commit' });
    if (ready) await page.waitForFunction(ready);
    return page;
  };
  const go = async (query = {}) => {
    await page.goto(collector.page('/visit.html', { api: collector.otherOrigin, ...query }));
    await page.waitForFunction(() => window.sdk);
  };
  const flush = () => use(page, () => sdk.flush());
  before(async () => {
    browser = await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
    collector = await startCollector();
  });
  after(async () => {
    await browser.close();
    await collector.close();
  });
  beforeEach(async () => {
    collector.clear();
    context = await browser.newContext(VISITOR);
  });
  afterEach(() => context.close());

  test('every build of the SDK has exactly the methods that its types promise', async () => {
    const types = readFileSync(new URL('trackmate.d.ts', DIST), 'utf8');
    const promised = [.../export interface TrackMate \{([^]*?)\n\}/.exec(types)[1].matchAll(/^ {2}(\w+)[<(]/gm)]
      .map(([, name]) => name)
      .sort();
    await open();
    const module = await use(page, () => Object.keys(sdk));
    await open({ path: '/classic.html', ready: () => window.TrackMate });
    const classic = await use(page, () => Object.keys(TrackMate));
    const internal = ['repeat'];
    for (const found of [module, classic])
      assert.deepEqual(found.filter((name) => !internal.includes(name)).sort(), promised);
  });

  test('the SDK does nothing when a server imports and calls it', async () => {
    const { default: sdk } = await import(new URL('trackmate.js', DIST));
    sdk.init('TM-TEST', 'https://example.com');
    sdk.track('a');
    sdk.on('error', () => {})();
    assert.deepEqual(
      [await sdk.flush(), await sdk.identify({}), sdk.getSessionId(), sdk.getAnonymousId()],
      [true, { profileId: '' }, '', ''],
    );
  });

  test('a page view and five events are one request without a preflight, in order, with ids and times', async () => {
    await open();
    await use(page, () => {
      for (const name of ['a', 'b', 'c', 'd']) sdk.track(name, { name });
      sdk.track('then', {}, { timestamp: '2025-10-18T10:00:00Z', messageId: 'chosen' });
    });
    await flush();
    const [{ method, contentType, body }, ...others] = collector.requests;
    assert.deepEqual([method, others.length], ['POST', 0]);
    assert.match(contentType, /^text\/plain/);
    assert.equal(body.company_id, 'TM-TEST');
    assert.match(body.sessionId, SESSION);
    assert.ok(Math.abs(Date.now() - body.sentAt) < 60_000, `${body.sentAt}`);
    assert.deepEqual(
      body.events.map(({ eventType }) => eventType),
      ['page_view', 'a', 'b', 'c', 'd', 'then'],
    );
    const [view, a, , , d, then] = body.events;
    assert.deepEqual([view.eventData.title, view.eventData.path, a.eventData], ['Visit', '/visit.html', { name: 'a' }]);
    assert.deepEqual([then.timestamp, then.messageId], [Date.parse('2025-10-18T10:00:00Z'), 'chosen']);
    assert.ok(view.timestamp < a.timestamp && a.timestamp < d.timestamp);
    assert.equal(new Set(body.events.map(({ messageId }) => messageId)).size, 6);
    assert.equal(await queued(page), 0);
  });

  test('a call is stored in its task, and calls of a page that tracks without pause are stored together', async () => {
    await open();
    const entries = () =>
      use(page, () => Object.keys(localStorage).filter((key) => key.startsWith('trackmate.queue.')).length);
    await use(page, () => new Promise((later) => setTimeout(later, 300)));
    const before = await entries();
    const alone = await use(page, async () => {
      sdk.track('alone');
      await null;
      return Object.entries(localStorage).filter(
        ([key, text]) => key.startsWith('trackmate.queue.') && text.includes('"alone"'),
      ).length;
    });
    assert.equal(alone, 1);
    await use(page, async () => {
      for (let n = 0; n < 12; n++) {
        sdk.track(`event-${n}`);
        await new Promise((later) => setTimeout(later, 10));
      }
      await new Promise((later) => setTimeout(later, 600));
    });
    assert.ok((await entries()) - before <= 7, 'twelve calls in a tenth of a second share storage entries');
    await flush();
    assert.deepEqual(collector.names(), ['page_view', 'alone', ...Array.from({ length: 12 }, (_, n) => `event-${n}`)]);
    assert.equal(await queued(page), 0);
  });

  test('a page that tracks without pause sends one request a second and removes finished calls', async () => {
    await open();
    const took = await use(page, async () => {
      const began = performance.now();
      for (let n = 0; n < 60; n++) {
        sdk.track(`event-${n}`);
        await new Promise((later) => setTimeout(later, 20));
      }
      return performance.now() - began;
    });
    assert.ok(
      collector.requests.length <= 1 + Math.floor(took / 1000),
      `${collector.requests.length} requests in ${took} ms`,
    );
    await until('the last batch', () => collector.names().length >= 61);
    assert.deepEqual(collector.names(), ['page_view', ...Array.from({ length: 60 }, (_, n) => `event-${n}`)]);
    await until('an empty queue', async () => (await queued(page)) === 0);
  });

  test('a page adopts the queue of a crashed page, but not that of a young page', async () => {
    const crashing = await open();
    await use(crashing, () => sdk.track('of-the-crashed'));
    await open();
    await use(page, () => sdk.track('of-the-open'));
    await flush();
    assert.deepEqual(collector.names(), ['page_view', 'of-the-open']);
    await context.addInitScript(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + 20_000;
    });
    await crashing.goto('chrome://crash').catch(() => {});
    await open();
    await until('the queue of the closed page', () => collector.names().includes('of-the-crashed'));
    await flush();
    assert.deepEqual(collector.names().toSorted(), [
      'of-the-crashed',
      'of-the-open',
      'page_view',
      'page_view',
      'page_view',
    ]);
  });

  test('an event waits for others, but a batch of twenty is sent at once', async () => {
    await open();
    await use(page, () => {
      for (let n = 0; n < 18; n++) sdk.track(`event-${n}`);
    });
    await use(page, () => new Promise((later) => setTimeout(later, 300)));
    assert.equal(collector.requests.length, 0);
    await use(page, () => sdk.track('the-twentieth'));
    await until('the full batch', () => collector.names().length === 20);
  });

  test('the context has page, campaign, language, screen and browser', async () => {
    await open({ company: 'TM-TEST' });
    await page.goto(`${page.url()}&utm_source=mail&utm_campaign=spring`);
    await page.waitForFunction(() => window.sdk);
    await flush();
    const { context: sent } = collector.accepted().at(-1);
    assert.deepEqual(sent.campaign, { source: 'mail', campaign: 'spring' });
    assert.deepEqual(
      [sent.page.path, sent.page.title, sent.page.referrer.includes('/visit.html')],
      ['/visit.html', 'Visit', false],
    );
    assert.deepEqual(
      [sent.locale, sent.timezone, sent.webdriver, sent.screen.width],
      [VISITOR.locale, VISITOR.timezoneId, true, 1280],
    );
    assert.equal(sent.userAgentData.mobile, false);
    assert.equal(sent.anonymousId, await use(page, () => sdk.getAnonymousId()));
  });

  test('the session id is the same across pages and tabs, and another after half an hour', async () => {
    await open();
    const first = await use(page, () => sdk.getSessionId());
    assert.match(first, SESSION);
    await go();
    assert.equal(await use(page, () => sdk.getSessionId()), first);
    const other = await open();
    assert.equal(await use(other, () => sdk.getSessionId()), first);
    await use(page, () => {
      localStorage['trackmate.visitor'] = localStorage['trackmate.visitor'].replace(
        / \d+ /,
        ` ${Math.floor(Date.now() / 1000) - 1801} `,
      );
    });
    const next = await use(page, () => sdk.getSessionId());
    assert.match(next, SESSION);
    assert.notEqual(next, first);
    assert.equal(await use(other, () => sdk.getSessionId()), next);
    // Another text in the storage is replaced, because the server would refuse all events with that
    // session.
    for (const strange of [
      '',
      'null',
      `session_1_ab 5 0`,
      next.slice(0, -1) + '? ' + Math.floor(Date.now() / 1000) + ' 0',
    ]) {
      const id = await use(
        page,
        (strange) => ((localStorage['trackmate.visitor'] = `who ${strange}`), sdk.getSessionId()),
        strange,
      );
      assert.match(id, SESSION, strange);
      assert.notEqual(id, strange.split(' ')[0]);
    }
  });

  test('reset starts another session and visitor for later calls, or only another session', async () => {
    await open();
    const ids = () => use(page, () => [sdk.getSessionId(), sdk.getAnonymousId()]);
    const [session, visitor] = await ids();
    await use(page, () => {
      sdk.track('before');
      sdk.reset({ keepAnonymousId: true });
      sdk.track('after');
    });
    const [second, same] = await ids();
    assert.notEqual(second, session);
    assert.equal(same, visitor);
    await use(page, () => sdk.reset());
    assert.notEqual((await ids())[1], visitor);
    await flush();
    const sessions = collector
      .accepted()
      .filter(({ eventType }) => eventType !== 'page_view')
      .map(({ eventType, sessionId }) => [eventType, sessionId]);
    assert.deepEqual(sessions, [
      ['before', session],
      ['after', second],
    ]);
  });

  test('sessionPerCampaign starts another session when the visitor arrives by another campaign', async () => {
    await open({ options: { sessionPerCampaign: true } });
    const ids = [await use(page, () => sdk.getSessionId())];
    for (const campaign of ['mail', 'mail', 'search']) {
      await page.goto(
        collector.page('/visit.html', { api: collector.otherOrigin, options: { sessionPerCampaign: true } }) +
          `&utm_source=${campaign}`,
      );
      await page.waitForFunction(() => window.sdk);
      ids.push(await use(page, () => sdk.getSessionId()));
    }
    assert.deepEqual(
      ids.map((id) => ids.indexOf(id)),
      [0, 1, 1, 3],
    );
  });

  test('calls made before init wait for it', async () => {
    await open({ path: '/classic.html', ready: () => window.TrackMate });
    const identified = use(
      page,
      (api) => {
        const data = { n: 1 };
        TrackMate.track('before-init', data);
        data.n = 2;
        const who = TrackMate.identify({ email: 'ann@example.com' });
        TrackMate.init('TM-TEST', api);
        return who;
      },
      collector.otherOrigin,
    );
    assert.deepEqual(await identified, { profileId: 'profile-1' });
    assert.deepEqual(
      collector.accepted().map(({ eventType, eventData }) => [eventType, eventData]),
      [['before-init', { n: 1 }]],
    );
  });

  test('the SDK compiles its core at once when the page reads an id or is left', async () => {
    await context.addInitScript(() => {
      WebAssembly.compile = () => new Promise(() => {});
    });
    await open();
    assert.equal(await queued(page), 0);
    const [session, visitor] = await use(page, () => [sdk.getSessionId(), sdk.getAnonymousId()]);
    assert.match(session, SESSION);
    assert.equal(Object.fromEntries(await stored(page))['trackmate.visitor'].split(' ')[0], visitor);
    await flush();
    await go();
    await use(page, () => sdk.track('last'));
    await page.goto(`${collector.url}/elsewhere.html`);
    await until('the calls of the page that was left', () => collector.names().length === 3);
    assert.deepEqual(collector.names(), ['page_view', 'page_view', 'last']);
    assert.deepEqual(
      new Set(collector.accepted().map(({ sessionId, context }) => `${sessionId} ${context.anonymousId}`)),
      new Set([`${session} ${visitor}`]),
    );
  });

  test('a call made before the core is compiled has the URL at which it was made', async () => {
    await open({ path: '/classic.html', ready: () => window.TrackMate });
    await use(
      page,
      (api) => {
        TrackMate.init('TM-TEST', api);
        TrackMate.track('here');
        history.pushState({}, '', '/there');
        TrackMate.track('there');
        return TrackMate.flush();
      },
      collector.otherOrigin,
    );
    const places = collector.accepted().map(({ eventType, context }) => [eventType, context.page.path, context.locale]);
    assert.deepEqual(places, [
      ['here', '/classic.html', VISITOR.locale],
      ['there', '/there', VISITOR.locale],
    ]);
  });

  test('identify is sent after earlier events, and rejects with the server’s reason', async () => {
    await open();
    const who = await use(page, () => sdk.identify({ email: 'ann@example.com', name: 'Ann', sessionId: 'mine' }));
    assert.deepEqual(who, { profileId: 'profile-1' });
    assert.deepEqual(
      collector.requests.map(({ path }) => path),
      ['/api/events', '/api/profile'],
    );
    const { body } = collector.requests[1];
    assert.deepEqual(
      [body.email, body.name, body.sessionId],
      ['ann@example.com', 'Ann', collector.requests[0].body.sessionId],
    );
    collector.script = ({ path }) => (path === '/api/profile' ? 422 : 200);
    const refusal = await use(page, () =>
      sdk.identify({ email: 'x' }).catch(({ name, code, message }) => ({ name, code, message })),
    );
    assert.deepEqual(refusal, { name: 'Error', code: 'scripted', message: 'scripted by the test' });
    assert.equal(await queued(page), 0);
  });

  test('groups and aliases are sent to the path of the options', async () => {
    await open({ options: { path: '/t' } });
    await use(page, () => {
      sdk.group('acme', { plan: 'pro' });
      sdk.alias('user-1');
    });
    await flush();
    assert.equal(collector.requests[0].path, '/t/events');
    const [, group, alias] = collector.accepted();
    assert.deepEqual(
      [group.eventType, group.eventData, alias.eventData],
      ['group', { groupId: 'acme', traits: { plan: 'pro' } }, { userId: 'user-1' }],
    );
  });

  test('lost calls are error events, and a failed request is repeated with the same ids', async () => {
    await open();
    await use(page, () => {
      window.details = [];
      for (const name of ['error', 'delivered']) sdk.on(name, (detail) => details.push([name, detail]));
    });
    collector.script = () => 403;
    await flush();
    collector.script = () => [
      200,
      {},
      { success: true, rejected: [{ index: 0, code: 'event_too_large', message: 'no' }] },
    ];
    await use(page, () => sdk.track('one'));
    await flush();
    await use(page, () => sdk.track('x'.repeat(201)));
    const details = await until('four events', async () => {
      const details = await use(page, () => window.details);
      return details.length === 4 && details;
    });
    assert.deepEqual(
      details.map(([name, { code, calls }]) => [name, code, calls]),
      [
        ['error', 'scripted', 1],
        ['error', 'event_too_large', 1],
        ['delivered', undefined, 1],
        ['error', 'bad_name', 1],
      ],
    );
    collector.requests.splice(0);
    const answers = ['cut', 503, 200];
    collector.script = () => answers.shift() ?? 200;
    await use(page, () => sdk.track('stubborn'));
    assert.equal(await flush(), false);
    await until('the third try', () => collector.names().includes('stubborn'));
    const ids = collector.requests.map(({ body }) => body.events[0].messageId);
    assert.deepEqual(ids, Array(3).fill(ids[0]));
  });

  test('the SDK respects Retry-After, also after a reload', async () => {
    await open();
    let pausedAt;
    collector.script = () => {
      pausedAt = Date.now();
      return [429, { 'Retry-After': '4' }];
    };
    await flush();
    collector.script = () => 200;
    await go();
    await use(page, () => sdk.track('patient'));
    assert.equal(await flush(), false);
    await until('the event', () => collector.names().includes('patient'));
    assert.ok(Date.now() - pausedAt >= 4_000);
  });

  test('nothing is stored or sent before consent, and nothing after a refusal', async () => {
    await open({ options: { consent: 'pending' } });
    await use(page, () => sdk.track('never-agreed'));
    await page.goto(`${collector.url}/elsewhere.html`);
    assert.deepEqual(await stored(page), []);
    await go({ options: { consent: 'pending' } });
    await use(page, () => sdk.track('waiting'));
    assert.equal(await flush(), false);
    assert.deepEqual(await stored(page), []);
    await use(page, () => sdk.consent('granted'));
    await until('the waiting call', () => collector.names().includes('waiting'));
    await use(page, () => sdk.consent('denied'));
    await use(page, () => sdk.track('no'));
    assert.equal(await flush(), true);
    assert.deepEqual([await stored(page), collector.names()], [[], ['page_view', 'waiting']]);
  });

  test('Global Privacy Control means denied, whatever the page’s consent is', async () => {
    await context.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
    await open();
    await use(page, () => sdk.consent('granted'));
    await flush();
    assert.deepEqual([await stored(page), collector.requests.length], [[], 0]);
    await go({ options: { respectGpc: false } });
    await flush();
    assert.deepEqual(collector.names(), ['page_view']);
  });

  test('pageViews tracks a single-page site, once for each new path', async () => {
    await open({ options: { pageViews: true } });
    await use(page, async () => {
      history.replaceState({}, '', '?same=path');
      history.pushState({}, '', '/next');
      document.title = 'Next';
      await new Promise((later) => setTimeout(later, 50));
      history.pushState({}, '', '/next#part');
      history.back();
      await new Promise((later) => setTimeout(later, 200));
      history.back();
      await new Promise((later) => setTimeout(later, 200));
    });
    await flush();
    const views = collector
      .accepted()
      .filter(({ eventType }) => eventType === 'page_view')
      .map(({ eventData }) => [eventData.path, eventData.title]);
    assert.deepEqual(views, [
      ['/visit.html', 'Visit'],
      ['/next', 'Next'],
      ['/visit.html', 'Next'],
    ]);
  });

  test('a page that returns from the back/forward cache sends nothing twice', async () => {
    await open();
    await use(page, () => {
      window.same = true;
      sdk.track('before');
    });
    await page.goto(`${collector.url}/elsewhere.html`);
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForFunction(() => window.sdk);
    assert.equal(await use(page, () => window.same), true, 'the browser has a back/forward cache');
    await use(page, () => sdk.track('after'));
    await flush();
    await until('an empty queue', async () => !(await queued(page)));
    const ids = new Map(collector.accepted().map(({ messageId, eventType }) => [messageId, eventType]));
    assert.deepEqual([...ids.values()], ['page_view', 'before', 'after']);
  });

  test('the SDK does nothing on a prerendered page until the visitor opens it', async () => {
    await context.addInitScript(() =>
      Object.defineProperty(document, 'prerendering', { value: true, configurable: true }),
    );
    await open();
    await use(page, () => sdk.track('early'));
    assert.deepEqual([await stored(page), collector.requests.length], [[], 0]);
    await use(page, () => {
      Object.defineProperty(document, 'prerendering', { value: false });
      document.dispatchEvent(new Event('prerenderingchange'));
    });
    await flush();
    assert.deepEqual(collector.names(), ['page_view', 'early']);
  });

  test('without Web Locks, a page adopts the queue of a closed page, but not that of an open one', async () => {
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
    collector.script = () => 503;
    const openPage = await open();
    await use(openPage, () => sdk.track('of-the-open'));
    await until('a failed attempt', () => flush().then(() => collector.requests.length));
    const closed = await open();
    await use(closed, () => sdk.track('of-the-closed'));
    await until('a second attempt', () => flush().then(() => collector.requests.length > 1));
    await closed.close({ runBeforeUnload: true });
    collector.script = () => 200;
    await open();
    await until('the queue of the closed page', () => collector.names().includes('of-the-closed'));
    await until('the queue of the open page', () => collector.names().includes('of-the-open'));
    const ids = collector.accepted().map(({ messageId }) => messageId);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('the SDK runs its fallback if the page’s policy forbids WebAssembly', async () => {
    collector.policy = { 'Content-Security-Policy': POLICY };
    let release;
    collector.hold = { '/sdk/trackmate.csp.js': new Promise((resolve) => (release = resolve)) };
    await open();
    const who = use(page, () => {
      sdk.track('early', { n: 1 });
      return sdk.identify({ email: 'ann@example.com' });
    });
    await use(page, () => new Promise((later) => setTimeout(later, 100)));
    assert.equal(collector.requests.length, 0);
    release();
    assert.deepEqual(await who, { profileId: 'profile-1' });
    assert.deepEqual(collector.names(), ['page_view', 'early']);
    assert.match(await use(page, () => sdk.getSessionId()), SESSION);
    await use(page, () => sdk.track('last'));
    await page.close({ runBeforeUnload: true });
    await until('the last', () => collector.names().includes('last'));
  });

  test('no call is lost on a page that is left before the fallback is loaded', async () => {
    collector.policy = { 'Content-Security-Policy': POLICY };
    let release;
    collector.hold = { '/sdk/trackmate.csp.js': new Promise((resolve) => (release = resolve)) };
    await open();
    await use(page, () => sdk.track('bounced'));
    await page.goto(`${collector.url}/elsewhere.html`);
    assert.equal(collector.requests.length, 0);
    release();
    await go();
    await until('the call', () => flush().then(() => collector.names().includes('bounced')));
  });

  test('the SDK sends from a sandboxed frame, which has no storage, no lock and no cookie', async () => {
    collector.policy = { 'Content-Security-Policy': 'sandbox allow-scripts' };
    for (const options of [{ cookie: true }, { cookie: true, consent: 'denied' }]) {
      await open({ path: '/stub.html', ready: () => window.TrackMate && !window.TrackMate.q, options });
      await use(page, () => TrackMate.flush());
      assert.deepEqual(collector.names(), ['page_view']);
      assert.deepEqual(
        page.said.filter((line) => !line.includes('404')),
        [],
        'no warning except for the missing icon',
      );
    }
  });

  test('the stub queues calls until the script is loaded, which then makes them', async () => {
    await open({ path: '/stub.html', ready: () => window.TrackMate && !window.TrackMate.q });
    await use(page, () => TrackMate.flush());
    assert.deepEqual(collector.names(), ['page_view']);
    assert.deepEqual(page.said, []);
  });

  test('the next page sends what the stub saved, with the page on which it happened', async () => {
    let release;
    collector.hold = { '/sdk/trackmate.classic.js': new Promise((resolve) => (release = resolve)) };
    await open({ path: '/stub.html', ready: () => window.TrackMate });
    await use(page, () => {
      TrackMate.track('bounced', { n: 1 });
    });
    await page.goto(`${collector.url}/elsewhere.html`);
    assert.equal(collector.requests.length, 0);
    release();
    await page.goto(collector.page('/visit.html', { api: collector.otherOrigin }));
    await page.waitForFunction(() => window.sdk);
    await flush();
    const found = collector.accepted().map(({ eventType, context }) => [eventType, context.page.path]);
    assert.deepEqual(found, [
      ['page_view', '/stub.html'],
      ['bounced', '/stub.html'],
      ['page_view', '/visit.html'],
    ]);
  });

  test('the stub leaves most of the storage to the site and drops its oldest calls', async () => {
    let release;
    collector.hold = { '/sdk/trackmate.classic.js': new Promise((resolve) => (release = resolve)) };
    for (let visits = 0; visits < 3; visits++) {
      await open({ path: '/stub.html', ready: () => window.TrackMate });
      await use(
        page,
        (visit) => {
          for (let n = 0; n < 1_200; n++)
            TrackMate.track(`visit-${visit}-${n}`, { pad: 'x'.repeat(visit ? 5_000 : 0) });
        },
        visits,
      );
      await page.goto(`${collector.url}/elsewhere.html`);
      const saved = await use(page, () => localStorage['trackmate.early']?.length);
      assert.ok(saved > 100_000 && saved <= 1_000_000, `${saved} characters`);
      await use(page, () => localStorage.setItem('cart', 'x'.repeat(1_000_000)));
    }
    release();
    await go();
    await until('the saved calls', () => flush().then(() => collector.names().includes('visit-2-998')));
    assert.ok(!collector.names().includes('visit-0-0'), 'the oldest calls are dropped');
    assert.equal(await use(page, () => localStorage['trackmate.early']), undefined);
  });

  test('unreadable calls of an earlier page are skipped, and the others are sent', async () => {
    await open();
    await use(page, () => {
      const line = (name) =>
        JSON.stringify([['TM-TEST', { url: 'http://x/', title: '', referrer: '' }, [['track', Date.now(), [name]]]]]);
      localStorage['trackmate.early'] = ['cut":1}]]]', line('one'), 'null', line('two')].join('\t');
    });
    await go();
    await flush();
    assert.deepEqual(collector.names().toSorted(), ['one', 'page_view', 'page_view', 'two']);
  });

  test('a page that returns from the back/forward cache has no referrer', async () => {
    page = listen(await context.newPage());
    await page.goto(`${collector.otherOrigin}/elsewhere.html`);
    collector.policy = {};
    const url = collector.page('/visit.html', { api: collector.otherOrigin, options: { pageViews: true } });
    await use(page, (url) => void (location.href = url), url);
    await page.waitForFunction(() => window.sdk);
    await flush();
    await use(page, () => void (window.same = true));
    await page.goto(`${collector.url}/elsewhere.html`);
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForFunction(() => window.same && window.sdk);
    await use(page, () => sdk.track('after'));
    await until('the second view', () => flush().then(() => collector.names().includes('after')));
    const referrers = collector
      .accepted()
      .map(({ eventType, eventData, context }) => [eventType, eventData.referrer, context.page.referrer]);
    const search = `${collector.otherOrigin}/`;
    assert.deepEqual(referrers, [
      ['page_view', search, search],
      ['page_view', '', ''],
      ['after', undefined, ''],
    ]);
  });

  test('init warns in a worker that it does nothing there', async () => {
    collector.policy = {};
    collector.pages = {
      '/worker.js': `import sdk from '/sdk/trackmate.js';
        sdk.init('TM-TEST', location.origin);
        sdk.track('a');
        sdk.flush().then(postMessage);`,
      '/classic-worker.js': `importScripts('/sdk/trackmate.classic.js');
        TrackMate.init('TM-TEST', location.origin);
        TrackMate.flush().then(postMessage);`,
    };
    await open({ path: '/elsewhere.html', ready: null });
    const done = (src, type) =>
      use(
        page,
        ([src, type]) =>
          new Promise((resolve, reject) =>
            Object.assign(new Worker(src, { type }), {
              onmessage: ({ data }) => resolve(data),
              onerror: () => reject(src),
            }),
          ),
        [src, type],
      );
    assert.deepEqual([await done('/worker.js', 'module'), await done('/classic-worker.js', 'classic')], [true, true]);
    const warned = () => page.said.filter((line) => line.includes('TrackMate'));
    // A worker's console output arrives after its messages.
    await until('both warnings', () => warned().length >= 2);
    assert.deepEqual(warned(), Array(2).fill('TrackMate: does nothing in a worker'));
  });

  test('the vitals module tracks web vitals', async () => {
    await open();
    await use(page, () => import('/sdk/vitals.js').then(({ default: vitals }) => vitals(sdk)));
    await page.getByRole('heading').click();
    await page.close({ runBeforeUnload: true });
    await until('the largest paint', () =>
      collector.accepted().some(({ eventType, eventData }) => eventType === 'web_vital' && eventData.name === 'LCP'),
    );
  });

  test('the debug option writes every decision to the console', async () => {
    page = await context.newPage();
    const lines = [];
    page.on('console', (message) => lines.push(message.text()));
    await page.goto(collector.page('/visit.html', { api: collector.otherOrigin, options: { debug: true } }));
    await page.waitForFunction(() => window.sdk);
    await flush();
    for (const word of ['are stored on disk', 'sends', 'answer 200'])
      assert.ok(
        lines.some((line) => line.includes(word)),
        word,
      );
  });

  test('no method throws into the page', async () => {
    await open();
    const refused = await use(page, () => {
      const circle = {};
      circle.self = circle;
      sdk.track('circle', circle);
      sdk.track('', {});
      sdk.track('bad-time', {}, { timestamp: 'yesterday' });
      sdk.init('TM-OTHER', 'https://example.com');
      return sdk.identify(circle).catch(({ name, code }) => [name, code]);
    });
    assert.deepEqual(refused, ['Error', 'invalid']);
    await flush();
    assert.deepEqual(collector.names(), ['page_view', 'bad-time']);
  });
});
