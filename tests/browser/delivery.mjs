// Whether every event arrives once, however pages end and networks fail: in a real browser, with a
// store. Each scenario has its own browser profile and its own collector.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { startCollector, unique } from './collector.mjs';

/** Events that a page handed over are sent again after ten seconds. A busy machine needs longer. */
const PATIENCE_MS = 60_000;

const burst = (page, count, { bytes = 0, from = 0, then } = {}) =>
  page.evaluate(
    ([count, bytes, from, then]) => {
      for (let n = from; n < from + count; n++) window.sdk.track(`event-${n}`, { pad: 'x'.repeat(bytes) });
      if (then) location.href = then;
    },
    [count, bytes, from, then],
  );

const pause = (page, ms) => page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);
const close = async (page) => {
  await page.close({ runBeforeUnload: true });
  await until('the tab to close', () => page.isClosed());
};

/** A tab is closed after a stream of five events. */
async function closesATab({ open }) {
  const page = await open();
  for (let n = 0; n < 5; n++) {
    await burst(page, 1, { from: n });
    await pause(page, 50);
  }
  await close(page);
}

/** A tab is closed, and `prepare` runs before the page's scripts. */
const prepared = (prepare) => ({
  events: 5,
  fromFirstPage: 5,
  async run({ open, context }) {
    await context.addInitScript(prepare);
    await closesATab({ open });
  },
});

/**
 * A tab is closed, and the test ends the script in the endless loop that `snare` prepares on
 * `beforeunload`. The page tracks its last calls while the SDK defers them, and the timer that
 * would take them is late, so that they still wait when the page closes.
 */
const endedIn = (snare) => ({
  events: 5,
  fromFirstPage: 5,
  async run({ open, context, collector }) {
    await context.addInitScript(`{
      const { setTimeout } = window;
      window.setTimeout = (run, ms, ...rest) => setTimeout(run, ms === 500 ? 60_000 : ms, ...rest);
      addEventListener('beforeunload', ${snare});
    }`);
    const page = await open();
    const tools = await context.newCDPSession(page);
    let ended;
    // At once, as browsers kill a page that takes too long to close.
    collector.script = ({ path }) => {
      if (path !== '/looping') return 200;
      // The page may close before it answers.
      ended = tools.send('Runtime.terminateExecution').catch(() => {});
      return 404;
    };
    await page.evaluate(async () => {
      for (let n = 0; n < 5; n++) {
        window.sdk.track(`event-${n}`);
        await null;
      }
    });
    const closed = close(page);
    await until('the script to loop', () => ended);
    await closed;
  },
});

/**
 * `events`: number of events that must arrive once. `fromFirstPage`: those that arrive before
 * another page opens.
 */
const SCENARIOS = {
  'a tab is closed': { events: 5, fromFirstPage: 5, run: closesATab },
  // When the last tab of a site closes, Firefox ends the running script at any statement. A slow
  // script is certainly running then …
  'the script that hands over is ended while it takes calls': prepared(() =>
    addEventListener('beforeunload', () => {
      const { getItem } = Storage.prototype;
      Storage.prototype.getItem = function (key) {
        for (const until = performance.now() + 30; performance.now() < until;);
        return getItem.call(this, key);
      };
    }),
  ),
  // … and in Chromium the DevTools protocol ends it at one place.
  'the script that hands over is ended at its first call': endedIn(() => {
    const { getItem } = Storage.prototype;
    Storage.prototype.getItem = function (key) {
      if (key !== 'trackmate.visitor') return getItem.call(this, key);
      Storage.prototype.getItem = getItem;
      navigator.sendBeacon('/looping');
      for (;;);
    };
  }),
  'the script that hands over is ended while it sends': endedIn(() =>
    Object.defineProperty(navigator, 'webdriver', {
      configurable: true,
      get() {
        delete navigator.webdriver;
        navigator.sendBeacon('/looping');
        for (;;);
      },
    }),
  ),
  'a tab is closed before the core is compiled': prepared(() => {
    const { compile } = WebAssembly;
    WebAssembly.compile = async (bytes) => (await new Promise((later) => setTimeout(later, 2_000)), compile(bytes));
  }),
  'a tab is closed before all its images are loaded': {
    events: 5,
    fromFirstPage: 5,
    async run({ open, collector }) {
      collector.hold = { '/image.png': new Promise(() => {}) };
      await closesATab({ open: () => open('/images.html') });
    },
  },
  'a tab is closed before the script is loaded': {
    events: 5,
    async run({ open, collector }) {
      collector.hold = { '/sdk/trackmate.classic.js': new Promise(() => {}) };
      await closesATab({ open: () => open('/stub.html') });
    },
  },
  'a page is left in the task that tracks': {
    events: 5,
    fromFirstPage: 5,
    run: async ({ open }) => burst(await open(), 5, { then: '/elsewhere.html' }),
  },
  'a visitor leaves at once while the collector is slow': {
    events: 5,
    fromFirstPage: 5,
    async run({ open, collector }) {
      collector.script = () => new Promise((answer) => setTimeout(answer, 200, 200));
      const page = await open();
      await pause(page, 250);
      await burst(page, 5, { then: '/elsewhere.html' });
    },
  },
  'the collector is down until the visitor returns': {
    events: 5,
    async run({ open, collector }) {
      collector.script = () => 503;
      const page = await open();
      await burst(page, 5);
      await until('a failed attempt', () => collector.requests.length);
      await close(page);
      collector.script = () => 200;
    },
  },
  'the visitor is offline until they return': {
    events: 5,
    async run({ open, context }) {
      const page = await open();
      await context.setOffline(true);
      await burst(page, 5);
      await close(page);
      await context.setOffline(false);
    },
  },
  'a page with sixty events of 3 KB is left': {
    events: 60,
    run: async ({ open }) => burst(await open(), 60, { bytes: 3000, then: '/elsewhere.html' }),
  },
  'an outage ends while three tabs are open': {
    events: 15,
    fromFirstPage: 15,
    async run({ open, collector }) {
      collector.script = () => 503;
      const pages = [await open(), await open(), await open()];
      await Promise.all(pages.map((page, index) => burst(page, 5, { from: index * 5 })));
      await until(
        'a failed attempt of each tab',
        () => new Set(collector.requests.map(({ body }) => body.events[0].messageId)).size >= 3,
      );
      collector.script = () => 200;
    },
  },
  'storage is closed': {
    events: 5,
    fromFirstPage: 5,
    async run({ open, context }) {
      await context.addInitScript(() =>
        Object.defineProperty(window, 'localStorage', {
          get() {
            throw new DOMException('closed');
          },
        }),
      );
      const page = await open();
      await burst(page, 5);
      await close(page);
    },
    // Without storage the next page finds nothing, and has nothing to send.
    returns: false,
  },
  'storage is full': {
    events: 5,
    fromFirstPage: 5,
    async run({ open }) {
      const page = await open();
      await page.evaluate(() => {
        for (let length = 1 << 22; length > 0; length >>= 1) {
          try {
            for (let n = 0; ; n++) localStorage.setItem(`fill-${length}-${n}`, 'x'.repeat(length));
          } catch {}
        }
      });
      await burst(page, 5);
      await close(page);
    },
  },
  'the clock jumps ahead and back': {
    events: 15,
    fromFirstPage: 15,
    async run({ open, context }) {
      await context.addInitScript(() => {
        const real = Date.now.bind(Date);
        window.skew = 0;
        Date.now = () => real() + window.skew;
      });
      const page = await open();
      for (const [index, hours] of [0, 2, -30].entries()) {
        await page.evaluate((hours) => (window.skew = hours * 3_600_000), hours);
        await burst(page, 5, { from: index * 5 });
        await pause(page, 50);
      }
    },
  },
  'a page is reloaded fifteen times while the collector is slow': {
    events: 15,
    async run({ open, collector }) {
      collector.script = () => new Promise((answer) => setTimeout(answer, 300, 200));
      const page = await open();
      for (let n = 0; n < 15; n++) {
        await burst(page, 1, { from: n });
        if (n < 14) {
          await page.reload();
          await page.waitForFunction(() => window.sdk);
        }
      }
      await close(page);
    },
  },
};

/**
 * Declares the scenarios. `openStore` → {company, upstream?, names: () => names of all stored
 * events, including repeats}. `without`: scenarios that the browser's automation cannot run, with
 * the reason.
 */
export function deliveryScenarios({ browser, openStore, without = {} }) {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(`no event is lost or stored twice when ${name}`, { skip: without[name] }, async (t) => {
      const store = await openStore();
      const collector = await startCollector({ upstream: store.upstream });
      const context = await browser().newContext();
      const names = async () =>
        ((await store.names?.()) ?? unique(collector.accepted()).map(({ eventType }) => eventType)).filter((name) =>
          name.startsWith('event-'),
        );
      const open = async (path = '/visit.html') => {
        const page = await context.newPage();
        await page.goto(collector.page(path, { company: store.company, api: collector.otherOrigin }), {
          waitUntil: 'domcontentloaded',
        });
        await page.waitForFunction(() => window.sdk);
        return page;
      };
      try {
        await scenario.run({ open, collector, context });
        if (scenario.fromFirstPage) {
          await until(
            'all events of the first page',
            async () => (await names()).length >= scenario.fromFirstPage,
            PATIENCE_MS,
          );
        }
        const fromFirstPage = (await names()).length;
        if (scenario.returns !== false) {
          const page = await open();
          const entries = () =>
            page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('trackmate.queue.')).length);
          await until('an empty queue', async () => !(await entries()), PATIENCE_MS);
          await page.evaluate(() => window.sdk.flush());
        }
        const expected = Array.from({ length: scenario.events }, (_, n) => `event-${n}`);
        assert.deepEqual((await names()).sort(), expected.sort());
        const received = collector.accepted().filter(({ eventType }) => eventType.startsWith('event-')).length;
        t.diagnostic(
          `${fromFirstPage} from the first page, ${scenario.events} stored, ` +
            `${received - scenario.events} received again, ${collector.requests.length} requests`,
        );
      } finally {
        await context.close();
        await collector.close();
      }
    });
  }
}
