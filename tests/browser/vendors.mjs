// Other vendors' clients for pages, unmodified, in a real browser on a page of another origin. A
// visitor views a page, identifies, joins a group, sends unusual values and hundreds of events at
// once, and the answer to the first request is lost. Every event is stored once and belongs to one
// person.
import assert from 'node:assert/strict';
import { build } from 'esbuild';
import { createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { newCompany } from '../support/people.mjs';
import { listen, until } from './browser.mjs';

const CLIENTS_FOLDER = fileURLToPath(new URL('../clients', import.meta.url));
const EXPECTED = { alias: 1, group: 1, identify: 1, looked: 1, page_view: 1, payment_processed: 1 };

/**
 * The calls of a visit. `one` is the vendor's client, `many` is one that sends in batches if it
 * can.
 */
const VISIT = `
  window.visit = async (burst) => {
    const { one, many = one } = clients;
    await one.page('Home', { url: 'https://shop.example/' });
    await one.track('looked', { n: 1 });
    await one.identify('u-1001', { email: 'ada@example.com', name: 'Ada Lovelace', plan: null, city: '' });
    await one.group('acme', { plan: 'pro' });
    await one.alias?.('u-1001', 'an-earlier-id');
    const money = { amount: '79.90', currency: 'EUR' };
    const odd = { text: 'a fox \\ud83e', beyond: 1e400, none: NaN, nothing: null, blank: '', ...money };
    await one.track('payment_processed', odd, '2025-10-18 12:00:00');
    await Promise.all(Array.from({ length: burst }, (_, n) => many.track('burst', { n })));
  };`;

/** Segment's client, and Customer.io's, which is based on it. */
const segment = (name, integration) => ({
  name,
  imports: `import { AnalyticsBrowser } from '${name}';`,
  page: `
    const load = (options) => {
      const client = AnalyticsBrowser.load({ writeKey: KEY, cdnURL: HOST }, options);
      return Object.assign(Object.create(client), {
        page: (name, data) => client.page(undefined, name, data),
        track: (name, data, timestamp) => client.track(name, data, timestamp && { timestamp }),
      });
    };
    const deliveryStrategy = { strategy: 'batching', config: { size: 100, timeout: 500 } };
    clients = { one: load(), many: load({ integrations: { '${integration}': { deliveryStrategy } } }) };`,
});

/**
 * How each client is loaded with its host and key, and how its methods map to the calls of the
 * visit.
 */
const CLIENTS = [
  segment('@segment/analytics-next', 'Segment.io'),
  segment('@customerio/cdp-analytics-browser', 'Customer.io Data Pipelines'),
  {
    name: '@rudderstack/analytics-js',
    imports: `import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';`,
    page: `
      const client = new RudderAnalytics();
      client.load(KEY, HOST, { configUrl: HOST, queueOptions: { batch: { enabled: true, flushInterval: 500 } } });
      clients = { one: {
        page: (name, data) => client.page(undefined, name, data),
        track: (name, data, originalTimestamp) => client.track(name, data, originalTimestamp && { originalTimestamp }),
        identify: (...args) => client.identify(...args),
        group: (...args) => client.group(...args),
        alias: (...args) => client.alias(...args),
      } };`,
  },
  {
    name: 'posthog-js',
    imports: `import posthog from 'posthog-js';`,
    // By default it drops events of a headless browser, and all but a hundred of a burst.
    page: `
      posthog.init(KEY, {
        api_host: HOST, advanced_disable_flags: true,
        autocapture: false, capture_pageview: false, capture_pageleave: false,
        opt_out_useragent_filter: true, rate_limiting: { events_per_second: 1000, events_burst_limit: 1000 },
      });
      clients = { one: {
        page: (name, data) => posthog.capture('$pageview', { name, ...data }),
        track: (name, data, timestamp) => posthog.capture(name, data, timestamp && { timestamp: new Date(timestamp) }),
        identify: (...args) => posthog.identify(...args),
        group: (...args) => posthog.group('company', ...args),
        alias: (user, former) => posthog.alias(former),
      } };`,
  },
  {
    name: '@jitsu/js',
    imports: `import { jitsuAnalytics } from '@jitsu/js';`,
    // It sets the time itself.
    page: `
      const client = jitsuAnalytics({ host: HOST, writeKey: KEY + ':page' });
      clients = { one: {
        page: (name, data) => client.page({ name, ...data }),
        track: (name, data, timestamp) => client.track(name, data, timestamp && { timestamp }),
        identify: (...args) => client.identify(...args),
        group: (...args) => client.group(...args),
      } };`,
    lacks: 'alias',
    setsTime: true,
  },
];

async function bundle({ imports, page }) {
  const constants = `const KEY = location.hash.slice(1), HOST = 'http://127.0.0.1:' + location.port;`;
  const contents = `${imports} let clients; ${constants} ${VISIT} ${page}`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: CLIENTS_FOLDER },
    bundle: true,
    write: false,
    format: 'iife',
    minify: true,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles[0].text;
}

/** Whether the last request is the first one, or a repeat of it. */
const isFirst = ([first, ...more]) =>
  more.length === 0 || (more.length === 1 && more[0].path === first.path && more[0].body.equals(first.body));

/**
 * A shop's page on `localhost`, and a proxy to the Worker on `127.0.0.1` that changes nothing. A
 * POST has no answer if `isLost` is true for all POSTs so far: by default the first one, also if
 * the browser repeats it. → {url, sent, close}
 */
async function startShop(target, script, isLost = isFirst) {
  const sent = [];
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.host.startsWith('localhost')) {
      const [type, text] =
        incoming.url === '/page.js'
          ? ['text/javascript', script]
          : ['text/html', '<!doctype html><title>Shop</title><script src="/page.js"></script>'];
      return void outgoing.writeHead(200, { 'content-type': type }).end(text);
    }
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const sentRequest = {
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      };
      const forwarded = request(
        new URL(sentRequest.path, target),
        { method: sentRequest.method, headers: sentRequest.headers },
        (answer) => {
          if (sentRequest.method === 'POST') {
            sent.push({ ...sentRequest, status: answer.statusCode });
            if (isLost(sent)) return void answer.resume().on('end', () => outgoing.destroy());
          }
          answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers));
        },
      );
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(sentRequest.body);
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://localhost:${server.address().port}/`,
    sent,
    close: () => new Promise((closed) => server.close(closed).closeAllConnections()),
  };
}

async function visitWith(client, { browser, trackMate, burst = 250 }) {
  const { lacks, setsTime = false } = client;
  const expected = Object.fromEntries(
    Object.entries({ burst, ...EXPECTED })
      .filter(([name]) => name !== lacks)
      .toSorted(),
  );
  const count = Object.values(expected).reduce((sum, n) => sum + n);
  const c = await newCompany(trackMate);
  const d1 = await trackMate.d1();
  const stored = async () => {
    const { results } = await d1
      .prepare('select type, count(*) as n from events where company = ?1 group by type order by type')
      .bind(c.companyId)
      .all();
    return Object.fromEntries(results.map(({ type, n }) => [type, n]));
  };
  const shop = await startShop(trackMate.url, await bundle(client));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${shop.url}#${c.companyId}`);
    await page.evaluate((burst) => window.visit(burst), burst);
    let [last, seen] = [{}, 0];
    await until(
      () => `${count} of ${client.name}, only ${JSON.stringify(last)}`,
      async () => {
        if (shop.sent.length === seen) return false;
        seen = shop.sent.length;
        last = await stored();
        return Object.values(last).reduce((sum, n) => sum + n, 0) >= count;
      },
    );
    assert.deepEqual(last, expected);
    assert.deepEqual([...new Set(shop.sent.map(({ status }) => status))], [200], 'the Worker accepts every request');
    assert.deepEqual((await c.get('/api/admin/events/rejected')).body.rejected, []);

    // All events belong to one person, also those before the identify.
    const user = await c.user('ada@example.com');
    assert.deepEqual(
      [user.externalId, user.fullName, user.traits.plan, user.traits.city],
      ['u-1001', 'Ada Lovelace', undefined, ''],
    );
    const { events, summary } = await c.timeline(user.id);
    assert.equal(events.length, count);
    const of = (name) => events.filter(({ eventType }) => eventType === name);
    assert.deepEqual(
      of('burst')
        .map(({ eventData }) => eventData.n)
        .toSorted((a, b) => a - b),
      Array.from({ length: burst }, (_, n) => n),
    );
    const [
      {
        eventData: { text, beyond = null, none = null, nothing = null, blank },
        timestamp,
      },
    ] = of('payment_processed');
    assert.deepEqual([text, beyond, none, nothing, blank], ['a fox \ufffd', null, null, null, '']);
    if (!setsTime) assert.equal(timestamp, new Date('2025-10-18 12:00:00').toISOString());
    assert.deepEqual(summary.totalRevenue, [{ currency: 'EUR', amount: 79.9 }]);
    assert.deepEqual([of('group')[0].eventData.groupId, of('group')[0].eventData.traits], ['acme', { plan: 'pro' }]);

    // A repeat of the requests adds nothing.
    for (const { method, path, headers, body } of shop.sent.slice(0, 12)) {
      const { host: _, 'content-length': __, connection: ___, ...rest } = headers;
      assert.equal(
        (await (await fetch(trackMate.url + path, { method, headers: rest, body })).json()).accepted,
        0,
        path,
      );
    }
    assert.deepEqual(await stored(), expected);
  } finally {
    await context.close();
    await shop.close();
  }
}

/** Clients that send by beacon when their page is left, where they cannot set headers. */
const LEAVING = [
  {
    name: 'posthog-js',
    imports: `import posthog from 'posthog-js';`,
    page: `
      posthog.init(KEY, { api_host: HOST, advanced_disable_flags: true,
        autocapture: false, capture_pageview: false, capture_pageleave: false,
        disable_compression: true, opt_out_useragent_filter: true });
      window.visit = () => posthog.capture('left', { of: 'the shop ‘é’' });`,
    isBeacon: ({ body }) => body.subarray(0, 5).toString() === 'data=',
  },
  {
    name: '@rudderstack/analytics-js',
    imports: `import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';`,
    page: `
      const client = new RudderAnalytics();
      client.load(KEY, HOST, { configUrl: HOST, useBeacon: true });
      const ready = new Promise((resolve) => client.ready(resolve));
      window.visit = () => ready.then(() => client.track('left', { of: 'the shop ‘é’' }));`,
    isBeacon: ({ path }) => path.startsWith('/beacon/'),
  },
];

async function leaveWith(client, { browser, trackMate }) {
  const c = await newCompany(trackMate);
  const d1 = await trackMate.d1();
  const shop = await startShop(trackMate.url, await bundle(client), () => false);
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${shop.url}#${c.companyId}`);
    await page.evaluate(() => window.visit());
    await page.goto('about:blank');
    const left = await until(`the event that ${client.name} sends when its page is left`, () =>
      d1.prepare("select data from events where company = ?1 and type = 'left'").bind(c.companyId).first(),
    );
    assert.equal(JSON.parse(left.data).of, 'the shop ‘é’');
    // The event may be stored before the answer passes the proxy.
    await until('its answer', () => shop.sent.length > 0);
    assert.deepEqual(
      shop.sent.map(({ status }) => status),
      [200],
    );
    assert.ok(client.isBeacon(shop.sent[0]), 'it is sent by beacon');
  } finally {
    await context.close();
    await shop.close();
  }
}

/** Clients of unsupported vendors, and a function that resolves when both have their answers. */
const UNSUPPORTED = {
  imports: `
    import mixpanel from 'mixpanel-browser/src/loaders/loader-module-core';
    import { newTracker, trackStructEvent } from '@snowplow/browser-tracker';`,
  page: `
    mixpanel.init('token', { api_host: HOST, batch_requests: false });
    const answered = (send) => new Promise(send);
    window.visit = () => Promise.all([
      answered((onAnswer) => mixpanel.track('looked', {}, {}, onAnswer)),
      answered((onRequestFailure) => {
        newTracker('snowplow', HOST, { appId: 'shop', stateStorageStrategy: 'none', onRequestFailure });
        trackStructEvent({ category: 'shop', action: 'looked' });
      }),
    ]);`,
};

export async function unsupportedClientsLearnWhy({ browser, trackMate }) {
  const shop = await startShop(trackMate.url, await bundle(UNSUPPORTED), () => false);
  const context = await browser.newContext();
  try {
    const page = listen(await context.newPage());
    const answers = [];
    page.on(
      'response',
      async (answer) =>
        answer.url().startsWith('http://127') &&
        answers.push(answer.json().then(({ code }) => [new URL(answer.url()).pathname, answer.status(), code])),
    );
    await page.goto(shop.url);
    const [, { status }] = await page.evaluate(() => window.visit());
    assert.equal(status, 404, 'the page can read the reason');
    assert.deepEqual((await Promise.all(answers)).toSorted(), [
      ['/com.snowplowanalytics.snowplow/tp2', 404, 'not_found'],
      ['/track/', 404, 'not_found'],
    ]);
    assert.deepEqual(
      page.said.filter((line) => !line.includes('404')),
      [],
    );
  } finally {
    await context.close();
    await shop.close();
  }
}

/** [name, what it runs], one for each client. */
export const vendorClients = CLIENTS.map((client) => [client.name, (world) => visitWith(client, world)]);

export const leavingClients = LEAVING.map((client) => [client.name, (world) => leaveWith(client, world)]);
