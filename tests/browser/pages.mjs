// What real pages do to the SDK: they load it twice, replace objects of the browser, change the URL
// without loading, or block a script. In each case every call arrives once, and the page gets no
// exception from the SDK.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { startCollector, unique } from './collector.mjs';

/** Long enough for a busy machine. */
const PATIENCE_MS = 30_000;

/** What customers paste. `START` is the dashboard's snippet, with the `options` of the scenario. */
const STUB = '<script src="/sdk/stub.js"></script>';
const CLASSIC = '<script src="/sdk/trackmate.classic.js"></script>';
const ASYNC = '<script async src="/sdk/trackmate.classic.js"></script>';
const START = '<script>TrackMate.init(start.company, start.api, start.options); TrackMate.trackPageView();</script>';
const INIT = '<script>TrackMate.init(start.company, start.api, start.options);</script>';
const MODULE = `<script type="module">
  import sdk from '/sdk/trackmate.js';
  sdk.init(start.company, start.api, start.options);
  sdk.trackPageView();
  window.moduleSdk = sdk;
</script>`;

const track = (page, name, data) => page.evaluate(([name, data]) => void TrackMate.track(name, data), [name, data]);
/** Waits until the SDK has replaced the stub. */
const sdkLoaded = (page) => page.waitForFunction(() => window.TrackMate && !window.TrackMate.q);
/** Path and referrer of each page view. A referrer of this site is a path. */
const views = (events, collector) =>
  events
    .filter(({ eventType }) => eventType === 'page_view')
    .map(({ eventData: { path, referrer } }) => [path, referrer.replace(collector.url, '')]);
/** Adds a script to the page, as a tag manager does. */
const inject = (page, src) =>
  page.evaluate(
    (src) =>
      new Promise((onload) =>
        document.head.append(Object.assign(document.createElement('script'), { src, onload: () => onload() })),
      ),
    src,
  );
/** Replaces the body with that of another path and runs its scripts, as Turbo and pjax do. */
const replaceBody = (page, path) =>
  page.evaluate(async (path) => {
    history.pushState({}, '', path);
    for (const old of document.querySelectorAll('body script')) {
      const script = document.createElement('script');
      for (const { name, value } of old.attributes) script.setAttribute(name, value);
      script.text = old.text;
      old.replaceWith(script);
    }
    await new Promise((later) => setTimeout(later, 50));
  }, path);

/** A page where `spoil` runs first. Its four calls arrive, and its identify gets an answer. */
const broken = (spoil, { html = CLASSIC + START, check = () => {}, ...more } = {}) => ({
  html,
  before: spoil,
  events: ['page_view', 'one', 'two', 'three'],
  async run({ page }) {
    await sdkLoaded(page);
    for (const name of ['one', 'two', 'three']) await track(page, name, { list: [1, { of: ['two'] }] });
    const who = page.evaluate(() => TrackMate.identify({ email: 'ann@example.com' }));
    assert.match((await who).profileId, /./);
  },
  check(events, world) {
    for (const { eventType, eventData } of events) {
      if (eventType !== 'page_view') assert.deepEqual(eventData, { list: [1, { of: ['two'] }] });
    }
    check(events, world);
  },
  ...more,
});

/** A page that wraps `fetch`. */
const fetching = (wrap) => broken(wrap, { patient: true });

const SCENARIOS = {
  'has the snippet twice': {
    html: STUB + START + ASYNC + STUB + START + ASYNC,
    events: ['page_view', 'bought'],
    async run({ page }) {
      await sdkLoaded(page);
      await track(page, 'bought');
    },
  },
  'has the snippet and the classic script': {
    html: STUB + START + ASYNC + CLASSIC + START,
    events: ['page_view', 'bought'],
    async run({ page }) {
      await sdkLoaded(page);
      await track(page, 'bought');
    },
  },
  'has the classic script and then the snippet': {
    html: CLASSIC + START + STUB + START + ASYNC,
    events: ['page_view', 'bought'],
    async run({ page }) {
      await page.waitForFunction(() => document.readyState === 'complete');
      await track(page, 'bought');
    },
  },
  'has the classic script twice': {
    html: `${CLASSIC}${START}<script>TrackMate.track('first');</script>${CLASSIC}`,
    events: ['page_view', 'first', 'bought'],
    run: ({ page }) => track(page, 'bought'),
  },
  'has the classic script and the module': {
    html: CLASSIC + START + MODULE,
    events: ['page_view', 'bought', 'by-module'],
    async run({ page }) {
      await page.waitForFunction(() => window.moduleSdk);
      await track(page, 'bought');
      await page.evaluate(() => moduleSdk.track('by-module'));
    },
  },
  'has the module, and a tag manager adds the stub and the classic script': {
    html: MODULE,
    events: ['page_view', 'bought', 'by-module'],
    async run({ page }) {
      await page.waitForFunction(() => window.moduleSdk);
      await inject(page, '/sdk/stub.js');
      await page.evaluate(() => {
        TrackMate.init(start.company, start.api, start.options);
        TrackMate.trackPageView();
      });
      await inject(page, '/sdk/trackmate.classic.js');
      await track(page, 'bought');
      await page.evaluate(() => moduleSdk.track('by-module'));
    },
  },
  'replaces its body, which runs the snippet again': {
    body: STUB + START + ASYNC,
    events: ['page_view', 'page_view', 'page_view', 'page_view', 'bought'],
    async run({ page }) {
      await sdkLoaded(page);
      for (const path of ['/one', '/two', '/one']) await replaceBody(page, path);
      await track(page, 'bought');
    },
    check: (events, { collector }) =>
      assert.deepEqual(
        views(events, collector),
        [
          ['/page.html', ''],
          ['/one', '/page.html'],
          ['/two', '/one'],
          ['/one', '/two'],
        ].map(withQuery(collector)),
      ),
  },
  'replaces its body, with automatic page views': {
    body: STUB + INIT + ASYNC,
    options: { pageViews: true },
    events: ['page_view', 'page_view', 'page_view', 'page_view', 'bought'],
    async run({ page }) {
      await sdkLoaded(page);
      for (const path of ['/one', '/two', '/one']) await replaceBody(page, path);
      await track(page, 'bought');
    },
    check: (events, { collector }) =>
      assert.deepEqual(
        views(events, collector),
        [
          ['/page.html', ''],
          ['/one', '/page.html'],
          ['/two', '/one'],
          ['/one', '/two'],
        ].map(withQuery(collector)),
      ),
  },
  'is left before the script of its two snippets is loaded': {
    html: STUB + START + ASYNC + STUB + START + ASYNC,
    hold: true,
    events: ['page_view', 'bought'],
    async run({ page, leave }) {
      await track(page, 'bought');
      await leave();
    },
  },
  'runs in a browser without time zone, screen and version': broken(
    () => {
      Intl.DateTimeFormat = () => {
        throw new RangeError('Invalid time zone specified');
      };
      window.Temporal = { Now: {} };
      window.screen = null;
      const hints = {
        toJSON() {
          throw new Error('hints');
        },
      };
      Object.defineProperty(navigator, 'userAgentData', { value: hints });
    },
    {
      check(events) {
        const { locale, timezone, screen, userAgentData, library } = events.at(-1).context;
        assert.deepEqual(
          [typeof locale, timezone, screen, userAgentData, typeof library],
          ['string', undefined, undefined, undefined, 'string'],
        );
      },
    },
  ),
  'runs in a browser that throws once': broken(() => {
    Object.defineProperty(navigator, 'webdriver', {
      configurable: true,
      get() {
        delete navigator.webdriver;
        throw new Error('once');
      },
    });
  }),
  'has a document that throws for its title and referrer': broken(() => {
    for (const name of ['title', 'referrer', 'URL', 'cookie', 'hidden']) {
      Object.defineProperty(document, name, {
        get() {
          throw new Error(name);
        },
      });
    }
  }),
  'has forms with the names of properties of the document': broken(() => {}, {
    html: `<form name="title"></form><form name="URL"></form><img name="referrer"><form name="hidden"></form>
      <form name="readyState"></form>${CLASSIC}${START}`,
    check: (events) => assert.deepEqual([events[0].eventData.path, events[0].eventData.title], ['/page.html', '']),
  }),
  'has replaced global objects of the browser': broken(() => {
    window.performance = { mark() {} };
    window.navigation = { main: [] };
    window.screen = { width: 1 };
    window.devicePixelRatio = undefined;
    window.console = { log() {} };
  }),
  'has a toJSON for arrays': broken(
    () => {
      // As in Prototype.js before 1.7.
      Array.prototype.toJSON = function () {
        return `[${this.map((part) => JSON.stringify(part)).join(', ')}]`;
      };
    },
    {
      html: STUB + START + ASYNC,
      check: (events) =>
        assert.ok(
          Array.isArray(events[0].context.userAgentData?.brands ?? []),
          'the list of the browser is not changed',
        ),
    },
  ),
  'has a fetch that throws': fetching(() => {
    window.fetch = () => {
      throw new Error('fetch');
    };
  }),
  'has a fetch whose answers have no headers': fetching(() => {
    const { fetch } = window;
    window.fetch = async (...request) => {
      const response = await fetch(...request);
      return { status: response.status, ok: response.ok, json: () => response.json(), text: () => response.text() };
    };
  }),
  'has a fetch that resolves to nothing': fetching(() => {
    const { fetch } = window;
    window.fetch = (...request) => fetch(...request).then(() => {});
  }),
  'has a fetch whose answers are already read': fetching(() => {
    const { fetch } = window;
    window.fetch = async (...request) => {
      const response = await fetch(...request);
      await response.text();
      return response;
    };
  }),
  'has a fetch that never answers': fetching(() => {
    window.fetch = () => new Promise(() => {});
    // The SDK's timeout for an answer is cut to a second, which XMLHttpRequest needs on a busy
    // machine.
    const { setTimeout } = window;
    window.setTimeout = (run, ms, ...rest) => setTimeout(run, ms > 20_000 ? 1_000 : ms, ...rest);
  }),
  'has a router on the Navigation API': {
    html: STUB + INIT + ASYNC,
    options: { pageViews: true },
    events: ['page_view', 'page_view', 'page_view'],
    async run({ page }) {
      await sdkLoaded(page);
      await page.evaluate(async () => {
        navigation.addEventListener(
          'navigate',
          (event) => event.canIntercept && event.intercept({ handler: async () => {} }),
        );
        await navigation.navigate('/one').finished;
        await new Promise((later) => setTimeout(later, 50));
        const link = Object.assign(document.createElement('a'), { href: '/two', textContent: 'two' });
        document.body.append(link);
        link.click();
        await new Promise((later) => setTimeout(later, 100));
      });
    },
    check: (events, { collector }) =>
      assert.deepEqual(
        views(events, collector),
        [
          ['/page.html', ''],
          ['/one', '/page.html'],
          ['/two', '/one'],
        ].map(withQuery(collector)),
      ),
  },
  ...Object.fromEntries(
    [
      ['automatic', { pageViews: true }, INIT],
      ['manual', {}, INIT],
    ].map(([how, options, start]) => [
      `goes back and forth without loading, with ${how} page views`,
      {
        html: CLASSIC + start,
        options,
        from: 'a search engine',
        events: ['page_view', 'page_view', 'page_view', 'page_view', 'page_view', 'clicked'],
        async run({ page, collector }) {
          await page.evaluate(async (byHand) => {
            const view = () => new Promise((later) => setTimeout(() => later(byHand && TrackMate.trackPageView()), 50));
            const back = () => new Promise((then) => addEventListener('popstate', then, { once: true }));
            await view();
            for (const path of ['/one', '/two']) {
              history.pushState({}, '', path);
              await view();
            }
            for (let n = 0; n < 2; n++) {
              history.back();
              await back();
              await view();
            }
            history.replaceState({}, '', '?tab=2');
            TrackMate.track('clicked');
          }, !options.pageViews);
        },
        check(events, { collector }) {
          const search = `${collector.otherOrigin}/`;
          const seen = [
            ['/page.html', search],
            ['/one', '/page.html'],
            ['/two', '/one'],
            ['/one', '/two'],
            ['/page.html', '/one'],
          ];
          assert.deepEqual(views(events, collector), seen.map(withQuery(collector)));
          assert.equal(events.at(-1).context.page.referrer, `${collector.url}/one`);
        },
      },
    ]),
  ),
  ...Object.fromEntries(
    [
      ['an automatic page view', { pageViews: true }, CLASSIC + INIT],
      ['a manual page view', {}, CLASSIC + INIT],
      ['a page view of the stub', {}, STUB + INIT + ASYNC],
    ].map(([how, options, html]) => [
      `removes its campaign from the URL before ${how}`,
      {
        html: `${html}<script>
          history.replaceState({}, '', '/page.html');
          if (!start.options.pageViews) TrackMate.trackPageView();
          TrackMate.track('seen');
          history.pushState({}, '', '/next');
          TrackMate.track('later');
        </script>`,
        options,
        query: '&utm_source=mail',
        events: options.pageViews ? ['page_view', 'page_view', 'seen', 'later'] : ['page_view', 'seen', 'later'],
        run: ({ page }) => sdkLoaded(page),
        check(events) {
          const campaigns = events
            .filter(({ eventData }) => eventData.path !== '/next')
            .map(({ eventType, context }) => [eventType, context.campaign]);
          assert.deepEqual(campaigns, [
            ['page_view', { source: 'mail' }],
            ['seen', { source: 'mail' }],
            ['later', undefined],
          ]);
        },
      },
    ]),
  ),
  'tracks data that JSON cannot represent': {
    html: `${CLASSIC}<script>
      window.lost = [];
      TrackMate.on('error', ({ code }) => lost.push(code));
      window.all = (when) => {
        const circle = {};
        circle.self = circle;
        const getter = Object.defineProperty({}, 'x', { enumerable: true, get() { throw new Error('getter'); } });
        class Money { constructor(cents) { this._cents = cents; } toJSON() { return { amount: this._cents / 100 }; } }
        TrackMate.track('big', { when, id: 9007199254740993n, amount: 5 });
        TrackMate.track('money', new Money(7999));
        TrackMate.track('list', [new Date(0), undefined]);
        TrackMate.track('word', 'ab');
        TrackMate.track('chosen', { when }, { messageId: 'id-' + when, timestamp: new Date(Date.UTC(2025, 9, 18)) });
        TrackMate.track('circle', circle);
        TrackMate.track('getter', getter);
      };
      all('before');
      TrackMate.init(start.company, start.api, start.options);
      window.who = TrackMate.identify({ email: 'ann@example.com', big: 1n });
    </script>`,
    events: ['big', 'money', 'list', 'word', 'chosen', 'big', 'money', 'list', 'word', 'chosen'],
    async run({ page }) {
      await page.evaluate(() => who);
      await page.evaluate(() => all('after'));
      await page.evaluate(() => TrackMate.flush());
      const circle = () =>
        TrackMate.identify(Object.assign((window.loop = {}), { loop: window.loop })).catch(({ code }) => code);
      assert.equal(await page.evaluate(circle), 'invalid');
      assert.deepEqual(await page.evaluate(() => lost), ['invalid', 'invalid', 'invalid', 'invalid']);
    },
    check(events) {
      const dataOf = (name) => events.filter(({ eventType }) => eventType === name).map(({ eventData }) => eventData);
      assert.deepEqual(
        dataOf('big'),
        ['before', 'after'].map((when) => ({ when, id: '9007199254740993', amount: 5 })),
      );
      for (const [name, data] of [
        ['money', { amount: 79.99 }],
        ['list', { 0: '1970-01-01T00:00:00.000Z', 1: null }],
        ['word', { 0: 'a', 1: 'b' }],
      ]) {
        assert.deepEqual(dataOf(name), [data, data]);
      }
      const chosen = events
        .filter(({ eventType }) => eventType === 'chosen')
        .map(({ messageId, timestamp }) => [messageId, timestamp]);
      assert.deepEqual(chosen, [
        ['id-before', Date.UTC(2025, 9, 18)],
        ['id-after', Date.UTC(2025, 9, 18)],
      ]);
    },
  },
  'calls the SDK when its stack is full': {
    html: CLASSIC + START,
    events: ['page_view', 'before', 'after'],
    async run({ page }) {
      await page.evaluate(() => TrackMate.flush());
      await page.evaluate(async () => {
        TrackMate.track('before');
        await null;
        const all = [];
        let calls = 0;
        // The calls are made while the stack unwinds, so that it overflows at many places in the
        // SDK.
        const deeper = () => {
          try {
            deeper();
          } catch {}
          try {
            if (calls++ < 300) all.push(TrackMate.flush());
          } catch {}
        };
        deeper();
        await Promise.allSettled(all);
        await new Promise((later) => setTimeout(later, 50));
        // A full stack is an error of the page, wherever it happens.
        faults.splice(0);
      });
      await track(page, 'after');
    },
  },
  'has a visitor whose clock is in 1970': broken(
    () => {
      const { now } = Date;
      const off = now();
      Date.now = () => now() - off + 5_000;
    },
    {
      check(events) {
        assert.equal(new Set(events.map(({ sessionId }) => sessionId)).size, 1);
        assert.match(events[0].sessionId, /^session_\d{10}_[0-9a-f]{32}$/);
        for (const { timestamp } of events) assert.ok(Date.parse(timestamp) < 600_000, timestamp);
      },
      async run({ page, collector }) {
        await sdkLoaded(page);
        for (const name of ['one', 'two', 'three']) {
          await track(page, name, { list: [1, { of: ['two'] }] });
          await page.evaluate(() => new Promise((later) => setTimeout(later, 1_100)));
        }
        await page.evaluate(() => TrackMate.flush());
        assert.ok(collector.requests.every(({ body }) => Date.parse(body.sentAt) < 600_000));
      },
    },
  ),
  'has a URL of 40 KB and a surrogate pair where its title is cut': {
    html: `<title>${'x'.repeat(499)}\u{1F600}${'y'.repeat(40_000)}</title>
      <script>history.replaceState({}, '', '?long=' + 'a'.repeat(40_000));</script>${CLASSIC}${START}`,
    events: ['page_view'],
    run: ({ page }) => sdkLoaded(page),
    check([{ eventData, context }], { collector }) {
      assert.ok(eventData.address.startsWith(`${collector.url}/page.html?`) && eventData.address.length >= 2_000);
      assert.equal(eventData.path, '/page.html');
      assert.equal(context.page.title, 'x'.repeat(499));
      assert.ok(`${JSON.stringify(eventData)}${JSON.stringify(context)}`.match(/\\ud[89a-f]/) === null);
    },
  },
};

/** Replaces the path of the start page in a referrer by its path with the query. */
function withQuery(collector) {
  return ([path, referrer]) => [
    path,
    referrer === '/page.html' ? collector.startUrl.replace(collector.url, '') : referrer,
  ];
}

/**
 * Declares the scenarios. `openStore` → {company, upstream?, names: () => names of all stored
 * events}. `without`: scenarios that the browser does not support, with the reason.
 */
export function pageScenarios({ browser, openStore, without = {} }) {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(
      `every call arrives once from a page that ${name}`,
      { skip: without[name], timeout: 2 * PATIENCE_MS },
      async () => {
        const store = await openStore();
        const collector = await startCollector({ upstream: store.upstream });
        const context = await browser().newContext();
        let release = () => {};
        if (scenario.hold)
          collector.hold = { '/sdk/trackmate.classic.js': new Promise((resolve) => (release = resolve)) };
        // A customer's page does not have TrackMate's policy.
        collector.policy = {};
        const start = JSON.stringify({
          company: store.company,
          api: collector.otherOrigin,
          options: scenario.options ?? {},
        });
        collector.pages['/page.html'] = `<!doctype html><meta charset="utf-8"><script>const start = ${start};</script>
        <head>${scenario.html ?? ''}</head><body>${scenario.body ?? ''}</body>`;
        try {
          await context.addInitScript(() => {
            window.faults = [];
            addEventListener('error', ({ message, target }) => target === window && faults.push(message));
            addEventListener('unhandledrejection', ({ reason }) => faults.push(String(reason)));
          });
          if (scenario.before) await context.addInitScript(scenario.before);
          const page = await context.newPage();
          const arrive = { waitUntil: 'domcontentloaded' };
          const url = (collector.startUrl = `${collector.url}/page.html?a=b${scenario.query ?? ''}`);
          if (scenario.from) {
            await page.goto(`${collector.otherOrigin}/elsewhere.html`, arrive);
            await page.evaluate((url) => void (location.href = url), url);
            await page.waitForFunction(
              () =>
                window.faults &&
                window.start !== null &&
                document.readyState !== 'loading' &&
                location.pathname === '/page.html',
            );
          } else await page.goto(url, arrive);
          let left = false;
          const leave = async () => {
            left = true;
            await page.goto(`${collector.url}/elsewhere.html`, arrive);
            release();
          };
          await scenario.run({ page, collector, context, leave });
          if (!left) assert.deepEqual(await page.evaluate(() => faults), []);
          if (left) {
            // The next page sends what this page left. Its own page view is not counted.
            await page.goto(
              collector.page('/visit.html', {
                company: store.company,
                api: collector.otherOrigin,
                options: { pageViews: false },
              }),
              arrive,
            );
            await page.waitForFunction(() => window.sdk);
          }
          const flush = () => page.evaluate(() => void (window.sdk ?? window.TrackMate ?? window.moduleSdk).flush());
          const arrived = () =>
            unique(collector.accepted()).filter(({ context }) => !context.page?.url.includes('/visit.html'));
          await flush();
          await until('all calls', async () => arrived().length >= scenario.events.length, PATIENCE_MS);
          await until(
            'an empty queue',
            async () => {
              await flush();
              return page.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith('trackmate.queue.')));
            },
            PATIENCE_MS,
          );
          const events = arrived().sort((one, other) => order(one) - order(other));
          assert.deepEqual(events.map(({ eventType }) => eventType).sort(), [...scenario.events].sort());
          if (store.names)
            assert.deepEqual((await store.names()).sort(), [...scenario.events, ...(left ? ['page_view'] : [])].sort());
          scenario.check?.(events, { collector });
          if (!left) assert.deepEqual(await page.evaluate(() => faults), []);
        } finally {
          release();
          await context.close();
          await collector.close();
        }
      },
    );
  }
}

const order = ({ timestamp }) => new Date(timestamp).getTime();
