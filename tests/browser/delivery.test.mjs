// The scenarios of delivery.mjs and pages.mjs in Chromium: with the scripted collector, and through
// it with the real Worker's store.
import { after, before, describe } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch, launchShell } from './browser.mjs';
import { deliveryScenarios } from './delivery.mjs';
import { pageScenarios } from './pages.mjs';

describe('Chromium with a scripted collector', { concurrency: 4 }, () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  const world = { browser: () => browser, openStore: async () => ({ company: 'TM-TEST' }) };
  deliveryScenarios(world);
  pageScenarios(world);
});

describe('Chromium with the real Worker', { concurrency: 4 }, () => {
  let trackMate, browser;
  before(async () => {
    trackMate = await startTrackMate();
    browser = await launchShell();
  });
  after(async () => {
    await browser?.close();
    await trackMate?.close();
  });

  const world = {
    browser: () => browser,
    async openStore() {
      const { companyId } = await trackMate.companies({ name: 'Delivery' });
      const d1 = await trackMate.d1();
      const all = d1.prepare("select type from events where company = ?1 and type <> 'identify'").bind(companyId);
      const names = async () => (await all.all()).results.map(({ type }) => type);
      return { company: companyId, upstream: trackMate.url, names };
    },
  };
  deliveryScenarios(world);
  pageScenarios(world);
});
