// The scenarios of delivery.mjs and pages.mjs in the distribution's Firefox, except what its
// automation cannot do. Without a Firefox they are counted as skipped.
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

describe('Firefox with a scripted collector', { skip: !firefox && 'there is no Firefox here' }, () => {
  deliveryScenarios({
    browser: () => firefox,
    openStore: async () => ({ company: 'TM-TEST' }),
    without: {
      'the visitor is offline until they return': 'its automation cannot cut the network',
      'a tab is closed before the core is compiled': 'one closed tab in twenty ends its whole process',
      'the script that hands over is ended at its first call': 'Firefox ends scripts itself',
      'the script that hands over is ended while it sends': 'Firefox ends scripts itself',
    },
  });
  pageScenarios({
    browser: () => firefox,
    openStore: async () => ({ company: 'TM-TEST' }),
    without: { 'has a router on the Navigation API': 'it has none' },
  });
});

describe('Firefox under a policy without WebAssembly', { skip: !firefox && 'there is no Firefox here' }, () => {
  let collector;
  before(async () => (collector = await startCollector()));
  after(() => collector?.close());

  test('Firefox runs the fallback when the policy forbids WebAssembly', async () => {
    collector.policy = { 'Content-Security-Policy': "default-src 'none'; script-src 'self'; connect-src *" };
    const context = await firefox.newContext();
    const page = await context.newPage();
    await page.goto(collector.page('/visit.html', { api: collector.otherOrigin }));
    await page.waitForFunction(() => window.sdk);
    await until('the page view', () =>
      page.evaluate(() => window.sdk.flush()).then(() => collector.names().includes('page_view')),
    );
    assert.match(collector.accepted()[0].sessionId, /^session_/);
    await context.close();
  });
});

describe(
  'other vendors’ clients for pages in Firefox',
  { skip: !firefox && 'there is no Firefox here', concurrency: true },
  () => {
    let trackMate;
    before(async () => (trackMate = await startTrackMate()));
    after(() => trackMate?.close());

    for (const [name, visit] of vendorClients) {
      test(`${name} loses no event in Firefox, and none is stored twice`, () =>
        visit({ browser: firefox, trackMate, burst: 30 }));
    }
  },
);
