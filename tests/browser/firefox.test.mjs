// The delivery scenarios in the distribution's Firefox, as far as its automation goes. Without a Firefox they are skipped, and counted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launchFirefox, until } from './browser.mjs';
import { startCollector } from './collector.mjs';
import { deliveryScenarios } from './delivery.mjs';
import { pageScenarios } from './pages.mjs';
import { vendorClients } from './vendors.mjs';

const firefox = await launchFirefox();
after(() => firefox?.close());

describe('Firefox and a scripted collector', { skip: !firefox && 'there is no Firefox here' }, () => {
  deliveryScenarios({
    browser: () => firefox,
    openStore: async () => ({ company: 'TM-TEST' }),
    without: {
      'the visitor is offline until after the visit': 'its automation cannot cut the network',
      'a tab is closed before the core is compiled': 'one tab in twenty takes its whole process along',
      'the script that parts is ended at its first call': 'it ends scripts by itself, and once is enough',
      'the script that parts is ended while it hands over': 'it ends scripts by itself, and once is enough',
    },
  });
  pageScenarios({
    browser: () => firefox,
    openStore: async () => ({ company: 'TM-TEST' }),
    without: { 'goes on with a router on the Navigation API': 'it has none' },
  });
});

describe('Firefox under a policy without WebAssembly', { skip: !firefox && 'there is no Firefox here' }, () => {
  let collector;
  before(async () => (collector = await startCollector()));
  after(() => collector?.close());

  test('runs the fallback by itself', async () => {
    collector.policy = { 'Content-Security-Policy': "default-src 'none'; script-src 'self'; connect-src *" };
    const context = await firefox.newContext();
    const page = await context.newPage();
    await page.goto(collector.page('/visit.html', { api: collector.abroad }));
    await page.waitForFunction(() => window.sdk);
    await until('the page view', () =>
      page.evaluate(() => window.sdk.flush()).then(() => collector.names().includes('page_view')),
    );
    assert.match(collector.accepted()[0].sessionId, /^session_/);
    await context.close();
  });
});

describe(
  'Firefox and other vendors’ clients for pages',
  { skip: !firefox && 'there is no Firefox here', concurrency: true },
  () => {
    let trackMate;
    before(async () => (trackMate = await startTrackMate()));
    after(() => trackMate?.close());

    for (const [name, visit] of vendorClients) {
      test(`of which ${name} loses nothing, and nothing comes twice`, () =>
        visit({ browser: firefox, trackMate, burst: 30 }));
    }
  },
);
