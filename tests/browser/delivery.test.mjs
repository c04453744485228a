// The delivery scenarios: in Chromium against the scripted collector and through it against the real Worker's store.
import { after, before, describe } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { deliveryScenarios } from './delivery.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

describe('Chromium and a scripted collector', { concurrency: 3 }, () => {
  deliveryScenarios({ browser: () => browser, openStore: async () => ({ company: 'TM-TEST' }) });
});

describe('Chromium and the real Worker', { concurrency: 3 }, () => {
  let trackMate;
  before(async () => (trackMate = await startTrackMate()));
  after(() => trackMate?.close());

  deliveryScenarios({
    browser: () => browser,
    async openStore() {
      const { companyId } = await trackMate.companies({ name: 'Delivery' });
      const d1 = await trackMate.d1();
      const names = async () => (await d1.prepare('select type from events where company = ?1').bind(companyId).all()).results.map(({ type }) => type);
      return { company: companyId, upstream: trackMate.url, names };
    },
  });
});
