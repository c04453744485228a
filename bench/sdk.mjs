// `make bench-sdk`: the main-thread CPU of the SDK in Chromium, compared with a page without an SDK
// and with well-known SDKs. Writes bench/sdk.md and bench/sdk.svg. README.md explains the results.
// ROUNDS and LOADS make it longer or shorter; LOADS are cheaper but vary more.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { cpus, loadavg } from 'node:os';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { launch } from '../tests/browser/browser.mjs';
import { SMOKE, median, whole } from './report.mjs';
import { endOnFailure } from './run.mjs';

const end = endOnFailure();

const ROUNDS = whole('ROUNDS', 5, 1);
const LOADS = whole('LOADS', 3 * ROUNDS, 1);
const TRACKS = SMOKE ? 5 : 60;
const GAP_MS = 25;
/** Time until the page has come to rest, since its own loading varies by more than an SDK costs. */
const QUIET_MS = 400;
/** Long enough for every SDK here to send: the slowest one batches for five seconds. */
const START_MS = SMOKE ? 1_500 : 2_500;
const FLUSH_MS = SMOKE ? 1_500 : 6_000;
const GOALS = { load: 3, track: 0.25, sync: 0.1 };
const at = (path) => new URL(`../${path}`, import.meta.url).pathname;

/** A smoke test leaves them out, because their packages may have to be installed first. */
const OF_OTHER_VENDORS = ['Plausible', 'Snowplow', 'Segment'];

if (!SMOKE && !existsSync(at('bench/sdk/node_modules'))) {
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', at('bench/sdk')], { stdio: 'inherit' });
}

/**
 * The floor: stores each event on disk, removes it when it is sent, and sends batches of twenty, in
 * the fewest lines. `start` is additional code at the start.
 */
const bare = (start = '') => `let waiting = [], number = 0;
  const send = () => {
    const batch = waiting.splice(0);
    const body = '[' + batch.map(([, text]) => text).join() + ']';
    fetch(window.api + '/bare', { method: 'POST', keepalive: true, body }).then((response) => response.json()).then(() => batch.forEach(([key]) => localStorage.removeItem(key)));
  };
  window.track = (name, data) => {
    const text = JSON.stringify({ name, data, at: new Date().toJSON() });
    const key = 'bare.' + number++;
    localStorage.setItem(key, text);
    waiting.push([key, text]);
    if (waiting.length === 20) send();
  };
  window.start = (api) => {
    window.api = api;
    ${start}
    navigator.locks.request('bare', { ifAvailable: true }, () => new Promise(() => {}));
    window.track('page_view', { page: location.href, title: document.title, referrer: document.referrer });
    setTimeout(() => waiting.length && send(), 5000);
  };`;

/** How a page starts each SDK and tracks with it. `api` is the collector's URL. */
const SDKS = {
  'no SDK': `window.start = () => {}; window.track = () => {};`,
  'bare browser': bare(),
  'bare browser, wasm': `import { prepare } from ${JSON.stringify(at('sdk-wasm/js/core.ts'))};
    ${bare("prepare().then((compile) => compile(new Proxy({}, { get: () => () => 0 })));")}`,
  TrackMate: `import sdk from ${JSON.stringify(at('www/dist/sdk/trackmate.js'))};
    window.start = (api) => { sdk.init('TM-TEST', api); sdk.trackPageView(); };
    window.track = (name, data) => sdk.track(name, data);`,
  Plausible: `import { init, track } from '@plausible-analytics/tracker';
    window.start = (api) => init({ domain: 'example.com', endpoint: api + '/p', captureOnLocalhost: true });
    window.track = (name, props) => track(name, { props });`,
  Snowplow: `import { newTracker, trackPageView, trackSelfDescribingEvent } from '@snowplow/browser-tracker';
    window.start = (api) => { newTracker('sp', api, { appId: 'bench' }); trackPageView(); };
    window.track = (name, data) => trackSelfDescribingEvent({ event: { schema: 'iglu:bench/' + name + '/jsonschema/1-0-0', data } });`,
  Segment: `import { AnalyticsBrowser } from '@segment/analytics-next';
    window.start = (api) => {
      const apiHost = api.replace('http://', '') + '/v1';
      const cdnSettings = { integrations: { 'Segment.io': { apiKey: 'bench', apiHost, protocol: 'http' } } };
      window.sdk = AnalyticsBrowser.load({ writeKey: 'bench', cdnSettings }, { integrations: { 'Segment.io': { protocol: 'http', apiHost } } });
      window.sdk.page();
    };
    window.track = (name, data) => window.sdk.track(name, data);`,
};

const round = (number, digits) => Number(number.toFixed(digits));

if (SMOKE) for (const name of OF_OTHER_VENDORS) delete SDKS[name];
const bundles = {};
const sizes = {};
for (const [name, contents] of Object.entries(SDKS)) {
  const built = await build({
    stdin: { contents, resolveDir: at('bench/sdk') },
    bundle: true,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: 'es2022',
    external: ['*/trackmate.csp.js'],
    // A bundler drops the first line of our file, which tells the browser how to compile it.
    banner: { js: name === 'TrackMate' ? '//# allFunctionsCalledOnLoad' : '' },
    define: { BYTES: JSON.stringify(readFileSync(at('target/sdk-glue/core.wasm'), 'latin1')) },
    write: false,
    logLevel: 'error',
  });
  bundles[name] = built.outputFiles[0].contents;
  sizes[name] = brotliCompressSync(bundles[name]).length;
}

/**
 * Serves the pages and accepts whatever SDKs send. Cross-origin isolated, for a fine-grained
 * browser clock.
 */
const received = {};
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
  if (request.method === 'GET' && pathname === '/page') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...isolated });
    return response.end('<!doctype html><title>Bench</title>');
  }
  if (request.method === 'GET' && pathname === '/bundle') {
    response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8', ...isolated });
    return response.end(Buffer.from(bundles[searchParams.get('sdk')]));
  }
  let bytes = 0;
  request.on('data', (chunk) => (bytes += chunk.length));
  request.on('end', () => {
    if (request.method === 'POST') {
      received.requests = (received.requests ?? 0) + 1;
      received.bytes = (received.bytes ?? 0) + bytes;
    }
    response.writeHead(200, {
      'content-type': 'application/json',
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'content-type, authorization, sp-anonymous',
      'cross-origin-resource-policy': 'cross-origin',
    });
    response.end('{"success":true,"rejected":[]}');
  });
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();
const page_ = `http://127.0.0.1:${port}`;
const api = `http://localhost:${port}`;

const browser = await launch();

const cdp = await browser.newBrowserCDPSession();
const asked = new Map();
cdp.on('Target.receivedMessageFromTarget', ({ message }) => {
  const { id, result, error } = JSON.parse(message);
  if (id) asked.get(id)(result ?? Promise.reject(new Error(error.message)));
});
/**
 * Opens a page in a fresh profile without the browser's automation, which costs more main-thread
 * time than an SDK (above all its reports of each request).
 */
async function open(url) {
  const { browserContextId } = await cdp.send('Target.createBrowserContext');
  const { targetId } = await cdp.send('Target.createTarget', { url, browserContextId });
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId });
  const send = (method, params) =>
    new Promise((answered, failed) => {
      const id = asked.size + 1;
      asked.set(id, answered);
      cdp.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) }).catch(failed);
    });
  return {
    send,
    async evaluate(run, args) {
      const expression = `(${run})(${JSON.stringify(args)})`;
      const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    close: () => cdp.send('Target.disposeBrowserContext', { browserContextId }),
  };
}

/** Opens a page, adds the SDK to it, and with `tracks` calls it. */
async function measure(name, tracks) {
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  Object.assign(received, { requests: 0, bytes: 0 });
  const page = await open(`${page_}/page`);
  await page.send('Performance.enable', { timeDomain: 'threadTicks' });
  const cpuMs = async () => (await page.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  await sleep(QUIET_MS);
  const before = await cpuMs();
  await page.evaluate(
    ([src, api]) =>
      new Promise((started) => {
        const onload = () => started(window.start(api));
        document.head.append(Object.assign(document.createElement('script'), { src, onload }));
      }),
    [`/bundle?sdk=${encodeURIComponent(name)}`, api],
  );
  await sleep(START_MS);
  const loaded = await cpuMs();
  if (!tracks) {
    await page.close();
    return { load: loaded - before };
  }
  const sync = await page.evaluate(
    async ([tracks, gap]) => {
      const taken = [];
      for (let n = 0; n < tracks; n++) {
        const began = performance.now();
        window.track('add_to_cart', { productId: `PROD-${n}`, price: 79.99, currency: 'USD', category: 'headphones' });
        taken.push(performance.now() - began);
        await new Promise((next) => setTimeout(next, gap));
      }
      return taken;
    },
    [tracks, GAP_MS],
  );
  await sleep(FLUSH_MS);
  const ended = await cpuMs();
  await page.close();
  return { load: loaded - before, track: (ended - loaded) / tracks, sync: median(sync), requests: received.requests };
}

const runs = Object.fromEntries(Object.keys(SDKS).map((name) => [name, []]));
for (let round = 0; round < LOADS; round++) {
  // In another order each round, so that other load affects all alike.
  const names = Object.keys(SDKS);
  for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
    const run = await measure(name, round < ROUNDS ? TRACKS : 0);
    runs[name].push(run);
    const tracked = run.requests === undefined ? '' : `, track ${run.track.toFixed(3)} ms, sync ${run.sync.toFixed(3)} ms, ${run.requests} requests`;
    console.log(`round ${round + 1}, ${name}: load ${run.load.toFixed(1)} ms${tracked}`);
  }
}
const version = browser.version();
await browser.close();
server.close();

const middle = (name, field) => median(runs[name].map((run) => run[field]).filter((value) => value !== undefined));
const over = (name, field) => middle(name, field) - middle('no SDK', field);
const rows = Object.keys(SDKS).map((name) => ({
  name,
  brotli: name === 'no SDK' ? 0 : sizes[name],
  load: round(over(name, 'load'), 2),
  track: round(over(name, 'track'), 3),
  sync: round(middle(name, 'sync'), 3),
  requests: middle(name, 'requests'),
}));
const blank = rows.shift();
const floor = { load: middle('no SDK', 'load'), track: middle('no SDK', 'track') };

const table = [
  '| SDK | bundle, brotli B | load + init + first page, CPU ms | CPU ms per `track()` with its sending | `track()` itself, ms median | requests for 1 page + 60 events |',
  '|---|---:|---:|---:|---:|---:|',
  ...rows.map((row) => `| ${row.name} | ${row.brotli} | ${row.load} | ${row.track} | ${row.sync} | ${row.requests} |`),
].join('\n');
const ours = rows.find(({ name }) => name === 'TrackMate');
const beside = (field) => rows.slice(0, 2).map((row) => round(ours[field] / row[field], 1)).join(' and ') + ' times';
const met = (goal, field) => `${field} ≤ ${goal}: ${ours[field]}, ${ours[field] <= goal ? 'met' : 'NOT met'}`;
const page = `# What the SDK costs a page

\`make bench-sdk\` (sdk.mjs) writes this page. [README.md](README.md#the-sdk) says how to read it.

- Machine: Chromium ${version}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} at the end. The figures are medians of ${LOADS} fresh
  profiles each for the load, and of ${ROUNDS} for the rest.
- CPU is the main thread's, measured from when the SDK's script is added to a page that has come to
  rest. The CPU of the same with an empty script is subtracted: ${floor.load.toFixed(1)} ms for the load, ${floor.track.toFixed(3)} ms for
  each turn of the loop.
- The same esbuild makes all bundles.

${table}

*bare browser* is not an SDK. It is a page that takes a Web Lock, writes each event to
\`localStorage\` at once and removes it again, and sends the events in batches of twenty, in the
fewest lines.
*bare browser, wasm* also compiles the SDK's WebAssembly and does not call it.

TrackMate writes the events of such a stream together, twice a second, and sends them together, once
a second. It takes ${beside('load')} as much as these two to load, and ${beside('track')} as much
for a \`track()\`.

Goals for TrackMate: ${met(GOALS.load, 'load')}; ${met(GOALS.track, 'track')}; ${met(GOALS.sync, 'sync')}.

![CPU of each SDK](sdk.svg)
`;

/** Two groups of bars, each with its own scale. */
function chart() {
  const bar = (row, index, field, unit, top, most) => {
    const y = top + 30 + index * 26;
    const width = Math.max(1, (Math.max(row[field], 0) / most) * 330);
    const fill = row.name === 'TrackMate' ? '#1b7f5c' : '#9aa5b1';
    return `<text x="130" y="${y + 14}" text-anchor="end">${row.name}</text><rect x="140" y="${y}" width="${width.toFixed(1)}" height="18" fill="${fill}"/><text x="${(148 + width).toFixed(1)}" y="${y + 14}">${row[field]} ${unit}</text>`;
  };
  const group = (title, field, top) => {
    const most = Math.max(...rows.map((row) => row[field]));
    return `<text x="10" y="${top + 14}" font-weight="bold">${title}</text>${rows.map((row, index) => bar(row, index, field, 'ms', top, most)).join('')}`;
  };
  const height = 2 * (rows.length * 26 + 50);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 570 ${height}" font-family="system-ui, sans-serif" font-size="13"><rect width="570" height="${height}" fill="#fff"/>${group('Load, init and first page: main-thread CPU', 'load', 10)}${group('Each track() with its sending: main-thread CPU', 'track', 10 + height / 2)}</svg>\n`;
}
if (!SMOKE) {
  writeFileSync(at('bench/sdk.md'), page);
  writeFileSync(at('bench/sdk.svg'), chart());
}
console.log(`\n${table}\n\nno SDK: load ${floor.load.toFixed(2)} ms, turn ${floor.track.toFixed(3)} ms, sync ${blank.sync} ms`);
console.log(JSON.stringify({ bench: 'sdk', sdks: rows, goals: GOALS }));
await end();
