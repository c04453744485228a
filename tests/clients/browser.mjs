// @segment/analytics-next in a real browser, on a page of another origin. Its messages go one by one and, by its own batching, 250 at once.
import { build } from 'esbuild';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { launch } from '../browser/browser.mjs';

const PAGE = `
import { AnalyticsBrowser } from '@segment/analytics-next';
const load = (deliveryStrategy) => AnalyticsBrowser.load(
  { writeKey: ENV.KEY, cdnURL: ENV.URL },
  { integrations: { 'Segment.io': { apiHost: ENV.URL.replace('http://', '') + '/v1', protocol: 'http', deliveryStrategy } }, retryQueue: true },
);
const at = (n) => ({ messageId: ENV.RUN + '-' + n, timestamp: new Date(Date.parse(ENV.BEGAN) + n) });
window.run = async () => {
  const one = load();
  await one.page(undefined, 'Home', { url: 'https://shop.example/' }, at(1));
  await one.track('Tracked', { n: 1 }, at(2));
  await one.identify(ENV.USER_ID, { email: ENV.EMAIL, name: 'Ada Lovelace' }, at(3));
  await one.group('acme', { plan: 'pro' }, at(4));
  const many = load({ strategy: 'batching', config: { size: 250, timeout: 2000 } });
  await Promise.all(Array.from({ length: 250 }, (_, n) => many.track('Batched', { n }, at(10 + n))));
};`;

/** Opens the page and lets it send; it stays open until `arrived` says that all has come. */
export async function send(env, arrived) {
  const bundle = await build({
    stdin: { contents: PAGE, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true, write: false, format: 'iife', minify: true, logLevel: 'error', define: { ENV: 'window.ENV', 'process.env.NODE_ENV': '"production"' },
  });
  const [script] = bundle.outputFiles;
  const html = `<!doctype html><script>window.ENV = ${JSON.stringify(env)}</script><script src="/page.js"></script>`;
  const server = createServer(({ url }, answer) => {
    answer.setHeader('content-type', url === '/page.js' ? 'text/javascript' : 'text/html');
    answer.end(url === '/page.js' ? script.contents : url === '/' ? html : '');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const browser = await launch();
  try {
    const page = await (await browser.newContext()).newPage();
       await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate(() => window.run());
    await arrived();
  } finally {
    await browser.close();
    await new Promise((closed) => server.close(closed).closeAllConnections());
  }
}
