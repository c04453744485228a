// The documentation in a browser: its pages in three themes, and its samples for pages, each run
// unchanged on a site of another origin.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { samples, sentTo } from '../support/docs.mjs';
import { listen, until } from './browser.mjs';
import { takePictures } from './dashboard/viewer.mjs';

/** Calls that a sample makes → the event each becomes. */
const BECOMES = {
  'TrackMate.trackPageView(': 'page_view',
  'TrackMate.track(': 'add_to_cart',
  'TrackMate.identify(': 'user_registered',
  'vitals(': 'web_vital',
};

async function filled(trackMate, text) {
  const stub = await (await fetch(`${trackMate.url}/sdk/stub.js`)).text();
  const classic = Buffer.from(await (await fetch(`${trackMate.url}/sdk/trackmate.classic.js`)).arrayBuffer());
  return sentTo(trackMate.url, text)
    .replace('/* the text of /sdk/stub.js */', () => stub)
    .replace('sha384-…', `sha384-${createHash('sha384').update(classic).digest('base64')}`);
}

export async function samplesForPagesWork({ browser, trackMate }) {
  // The sample of web vitals continues one of the others, so it gets their first lines.
  const vitals = samples('js').filter(({ text }) => text.includes('/sdk/vitals.js'));
  assert.equal(vitals.length, 1);
  const started = `import TrackMate from 'https://your-trackmate.example/sdk/trackmate.js';
    TrackMate.init('TM-SHOP99', 'https://your-trackmate.example');`;
  const pages = [
    ...samples('html'),
    ...vitals.map((sample) => ({
      ...sample,
      text: `<h1>Page</h1><script type="module">${started}\n${sample.text}</script>`,
    })),
  ];
  assert.ok(pages.length >= 5);
  const served = new Map();
  const site = createServer((request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(served.get(request.url) ?? ''),
  );
  await new Promise((listening) => site.listen(0, '127.0.0.1', listening));
  try {
    for (const [index, { file, line, text }] of pages.entries()) {
      const company = await trackMate.companies({ name: `${file}:${line}` });
      const html = (await filled(trackMate, text)).replaceAll('TM-SHOP99', company.companyId);
      // A sample that is only a script element is put into a page that makes calls.
      const calls = html.includes('TrackMate.init')
        ? ''
        : `<script>TrackMate.init('${company.companyId}', '${trackMate.url}'); TrackMate.trackPageView();</script>`;
      served.set(`/${index}`, html + calls);
      const context = await browser.newContext();
      const page = listen(await context.newPage());
      await page.goto(`http://127.0.0.1:${site.address().port}/${index}`);
      if (text.includes('vitals(')) {
        // Web vitals are final when the page is left.
        await page.mouse.click(40, 40);
        await page.goto(`${trackMate.url}/404.html`);
      }
      const expected = Object.keys(BECOMES)
        .filter((call) => `${html}${calls}`.includes(call))
        .map((call) => BECOMES[call]);
      await until(`${file}:${line}: ${expected}`, async () => {
        const { events } = (
          await trackMate.call('GET', '/api/admin/export/events/json', undefined, { 'x-admin-id': company.adminKey })
        ).body;
        return expected.every((name) =>
          events.some(
            ({ eventType }) => eventType === name || (name === 'user_registered' && eventType === 'identify'),
          ),
        );
      });
      assert.deepEqual(
        page.said.filter((line) => !/favicon/.test(line)),
        [],
        `${file}:${line}`,
      );
      await context.close();
    }
  } finally {
    site.closeAllConnections();
    site.close();
  }
}

export async function documentationReadsWell({ browser, trackMate }) {
  const context = await browser.newContext({ javaScriptEnabled: true });
  const page = listen(await context.newPage());
  for (const [place, name] of [
    ['/docs/', 'docs-start'],
    ['/docs/identity/', 'docs-identity'],
    ['/docs/api/', 'docs-api'],
    ['/docs/limits/', 'docs-limits'],
    ['/docs/changelog/', 'docs-changelog'],
  ]) {
    await page.goto(trackMate.url + place);
    await takePictures(page, name);
  }
  // On a phone the menu is closed, and opens without a script.
  await page.setViewportSize({ width: 360, height: 780 });
  const sdk = page.getByRole('link', { name: 'Browser SDK', exact: true });
  assert.equal(await sdk.and(page.locator(':visible')).count(), 0);
  await page.getByText('All pages').click();
  await sdk.and(page.locator(':visible')).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.match(page.url(), /\/docs\/sdk\/$/);
  assert.deepEqual(page.said, []);
  await context.close();
}

/** A page of the documentation in a new context of the browser, with the clipboard. */
async function openDocs({ browser, trackMate }, path, options = {}) {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = listen(await context.newPage());
  await page.goto(trackMate.url + path);
  return page;
}

export async function copyButtonsCopy(world) {
  const page = await openDocs(world, '/docs/');
  const codes = page.locator('main pre');
  const count = await codes.count();
  assert.ok(count > 4);
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), count);
  const button = page.locator('.sample button').nth(1);
  await button.focus();
  await page.keyboard.press('Enter');
  await page.locator('.sample button', { hasText: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await codes.nth(1).textContent());
  await until('the button can be used again', async () => (await button.textContent()) === 'Copy');
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function searchFindsByKeyboard(world) {
  const page = await openDocs(world, '/docs/sdk/');
  const requested = [];
  page.on('request', (request) => requested.push(new URL(request.url()).pathname));
  const field = page.getByRole('searchbox', { name: 'Search the documentation' });
  await page.keyboard.press('/');
  assert.ok(await field.evaluate((one) => one === document.activeElement), 'the key / goes to the field');
  assert.deepEqual(requested, [], 'nothing is loaded before the first question');
  await page.keyboard.type('idempotent nonsense');
  await page.getByRole('status').getByText('Nothing found').waitFor();
  await field.fill('rotate secret');
  const results = page.getByRole('list', { name: 'Search results' }).getByRole('link');
  await results.filter({ hasText: 'Change the secret without a gap' }).waitFor();
  assert.match(await page.getByRole('status').textContent(), /^\d+ results$/);
  assert.deepEqual(requested, ['/docs/search.json'], 'the index is loaded once');
  await takePictures(page, 'docs-search');
  await page.keyboard.press('ArrowDown');
  assert.ok(await results.first().evaluate((one) => one === document.activeElement));
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Escape');
  assert.equal(await results.first().isVisible(), false);
  await field.fill('wontexist');
  await field.fill('EVENT_BYTES_MAX');
  await results.filter({ hasText: 'EVENT_BYTES_MAX' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/docs/limits/#EVENT_BYTES_MAX');
  // What a visitor types is text.
  await field.fill('<img src=x onerror=alert(1)>zzz');
  await page.getByRole('status').getByText('onerror').waitFor();
  assert.equal(await page.locator('.results img').count(), 0);
  // A click on a result of the same page closes the list, and so does leaving the field.
  await field.fill('EVENT_BYTES_MAX');
  await results.first().click();
  assert.equal(await results.first().isVisible(), false);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function docsWorkWithoutSearch(world) {
  const { browser, trackMate } = world;
  const plain = await openDocs(world, '/docs/', { javaScriptEnabled: false });
  assert.equal(await plain.getByRole('search').isVisible(), false);
  await plain.getByRole('link', { name: 'Browser SDK', exact: true }).first().click();
  await plain.getByRole('heading', { level: 1, name: 'The browser SDK' }).waitFor();
  await plain.context().close();

  // The index cannot be loaded at first.
  const context = await browser.newContext();
  const page = await context.newPage();
  let fails = true;
  await page.route('**/docs/search.json', (route) => (fails ? route.abort() : route.continue()));
  await page.goto(`${trackMate.url}/docs/`);
  await page.getByRole('searchbox').fill('webhook');
  await page.getByText('The search could not be loaded').waitFor();
  fails = false;
  await page.getByRole('searchbox').fill('webhooks');
  await page.getByRole('list', { name: 'Search results' }).getByRole('link').first().waitFor();
  await context.close();
}
