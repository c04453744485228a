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
