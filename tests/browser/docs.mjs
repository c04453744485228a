// The documentation in a browser: its pages in three themes, and its samples for pages, each run
// unchanged on a site of another origin.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { samples, sentTo } from '../support/docs.mjs';
import { listen, until } from './browser.mjs';
import { takePictures } from './dashboard/viewer.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Calls that a sample makes → the event each becomes. */
const BECOMES = {
  'TrackMate.trackPageView(': 'page_view',
  'pageViews: true': 'page_view',
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

/**
 * A site of another origin. `visit` opens a page of it and waits until the company has the expected
 * events.
 */
async function openSite({ browser, trackMate }) {
  const served = new Map();
  const site = createServer((request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(served.get(request.url) ?? ''),
  );
  await new Promise((listening) => site.listen(0, '127.0.0.1', listening));
  const eventsOf = async ({ adminKey }) => {
    const path = '/api/admin/export/events/json';
    return (await trackMate.call('GET', path, undefined, { 'x-admin-id': adminKey })).body.events;
  };
  const isOf = (name) => (event) =>
    event.eventType === name || (name === 'user_registered' && event.eventType === 'identify');

  async function visit({ name, html, expected, act = () => {}, warnings = [] }) {
    assert.ok(expected.length, `${name}: it makes calls`);
    const company = await trackMate.companies({ name });
    const path = `/${served.size}`;
    served.set(path, html.replaceAll('TM-SHOP99', company.companyId));
    const context = await browser.newContext();
    const page = listen(await context.newPage());
    await page.goto(`http://127.0.0.1:${site.address().port}${path}`);
    await act(page);
    await until(`${name}: ${expected}`, async () => {
      const events = await eventsOf(company);
      return expected.every((one) => events.some(isOf(one)));
    });
    const isExpected = (line) => ['favicon', ...warnings].some((one) => line.includes(one));
    assert.deepEqual(
      page.said.filter((line) => !isExpected(line)),
      [],
      name,
    );
    await context.close();
    return eventsOf(company);
  }
  const close = () => {
    site.closeAllConnections();
    site.close();
  };
  return { visit, close };
}

/**
 * The tags of the guide as Tag Manager puts them into a page: its variables are filled in, and each
 * script is created again.
 */
function injected(html) {
  const tags = html.replaceAll('{{DLV - value}}', '79.99').replaceAll('{{DLV - currency}}', "'USD'");
  assert.doesNotMatch(tags, /\{\{/);
  return `<h1>Shop</h1><script>
    const tags = document.createElement('template');
    tags.innerHTML = ${JSON.stringify(tags).replaceAll('<', '\\u003c')};
    for (const tag of tags.content.querySelectorAll('script')) {
      const made = document.createElement('script');
      for (const { name, value } of tag.attributes) made.setAttribute(name, value);
      made.textContent = tag.textContent;
      document.head.append(made);
    }
  </script>`;
}

const TAG_MANAGER = 'docs/guides/google-tag-manager.md';
const CONSENT = 'docs/guides/consent.md';

export async function samplesForPagesWork(world) {
  const { trackMate } = world;
  // The sample of web vitals continues one of the others, so it gets their first lines.
  const vitals = samples('js').filter(({ text }) => text.includes('/sdk/vitals.js'));
  assert.equal(vitals.length, 1);
  const started = `import TrackMate from 'https://your-trackmate.example/sdk/trackmate.js';
    TrackMate.init('TM-SHOP99', 'https://your-trackmate.example');`;
  const tags = samples('html').filter(({ file }) => file === TAG_MANAGER);
  assert.equal(tags.length, 2);
  const pages = [
    ...samples('html').filter(({ file }) => ![TAG_MANAGER, CONSENT].includes(file)),
    { ...tags[0], text: tags.map(({ text }) => text).join('') },
    ...vitals.map((sample) => ({
      ...sample,
      text: `<h1>Page</h1><script type="module">${started}\n${sample.text}</script>`,
    })),
  ];
  assert.ok(pages.length >= 6);
  const site = await openSite(world);
  try {
    for (const { file, line, text } of pages) {
      const sample = await filled(trackMate, text);
      // A sample that is only a script element is put into a page that makes calls.
      const calls = sample.includes('TrackMate.init')
        ? ''
        : `<script>TrackMate.init('TM-SHOP99', '${trackMate.url}'); TrackMate.trackPageView();</script>`;
      const expected = Object.keys(BECOMES)
        .filter((call) => `${sample}${calls}`.includes(call))
        .map((call) => BECOMES[call]);
      await site.visit({
        name: `${file}:${line}`,
        html: file === TAG_MANAGER ? injected(sample) : sample + calls,
        expected,
        async act(page) {
          if (!text.includes('vitals(')) return;
          // Web vitals are final when the page is left.
          await page.mouse.click(40, 40);
          await page.goto(`${trackMate.url}/404.html`);
        },
      });
    }
  } finally {
    site.close();
  }
}

export async function consentSampleWorks(world) {
  const [{ text }] = samples('html').filter(({ file }) => file === CONSENT);
  const html = sentTo(world.trackMate.url, text);
  const stored = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => /^trackmate/i.test(key)));
  const site = await openSite(world);
  try {
    const events = await site.visit({
      name: CONSENT,
      html,
      expected: ['page_view', 'later'],
      warnings: ['the call was dropped (withheld)'],
      async act(page) {
        const sent = [];
        page.on('request', (request) => request.url().includes('/api/') && sent.push(request.url()));
        const track = (name) => page.evaluate((one) => window[Symbol.for('TrackMate')].track(one), name);
        const nothing = async () => assert.deepEqual([await stored(page), sent], [[], []]);
        await page.getByRole('button', { name: 'No' }).click();
        await track('refused');
        // The banner asks once: the decision counts on the next page, too.
        await page.reload();
        await track('refused');
        assert.equal(await page.locator('#banner').isVisible(), false);
        await nothing();
        await page.evaluate(() => localStorage.removeItem('consent'));
        await page.reload();
        await track('later');
        await nothing();
        await page.getByRole('button', { name: 'Yes' }).click();
      },
    });
    assert.deepEqual(events.map(({ eventType }) => eventType).sort(), ['later', 'page_view']);
  } finally {
    site.close();
  }
}

/**
 * A page with this script, bundled as a reader's bundler does. preact/compat stands in for React,
 * which has the same API here.
 */
async function bundled(script, files = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trackmate-guide-'));
  try {
    const sources = { ...files, 'entry.js': script };
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, name), text);
    const { outputFiles } = await build({
      entryPoints: [join(folder, 'entry.js')],
      nodePaths: [join(ROOT, 'node_modules'), join(ROOT, 'tests/clients/node_modules')],
      alias: { react: 'preact/compat', '@trackmate/browser': join(ROOT, 'target/sdk-package/trackmate.js') },
      jsx: 'automatic',
      jsxImportSource: 'preact',
      bundle: true,
      format: 'esm',
      write: false,
      logLevel: 'error',
    });
    const text = outputFiles[0].text.replaceAll('</script', '<\\/script');
    return `<!doctype html><h1>Shop</h1><main></main><script type="module">${text}</script>`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function vendorSamplesForPagesWork(world) {
  const pages = samples('js').filter(({ info }) => info === 'page');
  assert.deepEqual(
    pages.map(({ file }) => file),
    ['docs/guides/posthog.md', 'docs/guides/segment.md'],
  );
  const site = await openSite(world);
  try {
    for (const { file, text } of pages) {
      // PostHog's client sends nothing from a browser that a program controls, unless an option
      // says so.
      const sample = text.replace('advanced_disable_flags', 'opt_out_useragent_filter: true, advanced_disable_flags');
      const html = await bundled(sentTo(world.trackMate.url, sample));
      await site.visit({ name: file, html, expected: ['add_to_cart'] });
    }
  } finally {
    site.close();
  }
}

export async function reactSamplesWork(world) {
  const parts = samples('jsx').map(({ text }) => sentTo(world.trackMate.url, text));
  assert.equal(parts.length, 3);
  const files = Object.fromEntries(parts.map((text, index) => [`part-${index}.jsx`, text]));
  const entry = `
    import './part-0.jsx';
    import { AddToCart } from './part-1.jsx';
    import { Identify } from './part-2.jsx';
    import { createElement, render } from 'preact/compat';
    const product = { id: 'PROD-001', price: 79.99 };
    const user = { email: 'sarah@example.com', name: 'Sarah Johnson' };
    render([createElement(AddToCart, { product }), createElement(Identify, user)], document.querySelector('main'));`;
  const site = await openSite(world);
  try {
    const events = await site.visit({
      name: 'docs/guides/react.md',
      html: await bundled(entry, files),
      expected: ['page_view', 'user_registered', 'add_to_cart', 'next_page'],
      async act(page) {
        await page.getByRole('button', { name: 'Add to cart' }).click();
        await page.evaluate(() => history.pushState({}, '', '/next'));
        await page.evaluate(() => window[Symbol.for('TrackMate')].track('next_page'));
      },
    });
    const views = events.filter(({ eventType }) => eventType === 'page_view');
    assert.deepEqual(views.map(({ eventData }) => eventData.path).sort(), ['/0', '/next']);
  } finally {
    site.close();
  }
}

/** The functions of WordPress that the guide calls, for a signed-in user with a hostile name. */
const WORDPRESS = `<?php
function add_action($hook, $action) { if ($hook === 'wp_head') $action(); }
function wp_json_encode($value, $flags = 0) { return json_encode($value, $flags); }
function wp_get_current_user() {
  return new class {
    public $user_email = 'sarah@example.com';
    public $display_name = '</script><script>console.error("injected")</script><!--<script>';
    public function exists() { return true; }
  };
}
?>`;

export async function wordpressSampleWorks(world) {
  const [{ text }, ...others] = samples('php').filter(({ file }) => file === 'docs/guides/wordpress.md');
  assert.deepEqual(others, []);
  const php = spawnSync('php', ['-n'], { input: WORDPRESS + sentTo(world.trackMate.url, text), encoding: 'utf8' });
  assert.equal(php.status, 0, php.stdout + php.stderr);
  const site = await openSite(world);
  try {
    const html = `<!doctype html><h1>Shop</h1>${php.stdout}`;
    await site.visit({ name: 'docs/guides/wordpress.md', html, expected: ['page_view', 'user_registered'] });
  } finally {
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
    ['/docs/guides/', 'docs-guides'],
    ['/docs/guides/rotate-keys/', 'docs-guide'],
    ['/docs/troubleshooting/', 'docs-troubleshooting'],
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
