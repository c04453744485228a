// The browser scenarios in one process: the SDK with a scripted server, then the whole system with
// one start of the Worker.
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { sharedWorld } from './browser.mjs';
import {
  consentSampleWorks,
  copyButtonsCopy,
  docsWorkWithoutSearch,
  documentationReadsWell,
  reactSamplesWork,
  samplesForPagesWork,
  searchFindsByKeyboard,
  vendorSamplesForPagesWork,
  wordpressSampleWorks,
} from './docs.mjs';
import { journeyOnOneTimeline } from './journey.mjs';
import { referenceShowsEveryRoute } from './reference.mjs';
import './sdk.mjs';
import { deploymentHasNoShop, shopFromCartToDelivery, shopWithoutItsServer } from './shop.mjs';
import { leavingClients, unsupportedClientsLearnWhy, vendorClients } from './vendors.mjs';
import { visitorOutlivesStorage } from './visitor.mjs';

const NO_PHP = spawnSync('php', ['--version']).status === 0 ? false : 'php is not installed';

describe('a browser with the real Worker', () => {
  const world = sharedWorld();

  test('the shop journey is on one timeline, exactly as it happened', () => journeyOnOneTimeline(world));
  test('a customer of a demo shop gets from the cart to a signed delivery', () => shopFromCartToDelivery(world));
  test('a deployment has no demo shop', () => deploymentHasNoShop(world));
  test('a first-party cookie keeps the anonymous id when storage is cleared', () => visitorOutlivesStorage(world));
  test('the demo shop shows an error if its server does not run', () => shopWithoutItsServer(world));
  test('the samples for pages in the documentation work', () => samplesForPagesWork(world));
  test('the samples for pages with clients of other vendors work', () => vendorSamplesForPagesWork(world));
  test('the sample for consent stores and sends nothing before a yes', () => consentSampleWorks(world));
  test('the samples for React work', () => reactSamplesWork(world));
  test('the sample for WordPress works, whatever name a user has', { skip: NO_PHP }, () => wordpressSampleWorks(world));
  test('the documentation is readable in every theme and on a phone', () => documentationReadsWell(world));
  test('a copy button of the documentation copies its code block', () => copyButtonsCopy(world));
  test('the search of the documentation works by keyboard and loads its index once', () => searchFindsByKeyboard(world));
  test('the documentation works without JavaScript and without its index', () => docsWorkWithoutSearch(world));
  test('the API reference shows every route without JavaScript', () => referenceShowsEveryRoute(world));

  // These tests wait most of the time, so they run at the same time.
  describe('other vendors’ clients for pages', { concurrency: true }, () => {
    for (const [name, visit] of vendorClients)
      test(`${name} loses no event, and none is stored twice`, () => visit(world));
    for (const [name, leave] of leavingClients) test(`${name} can send while its page is left`, () => leave(world));
    test('a client of an unsupported vendor can read why it is refused', () => unsupportedClientsLearnWhy(world));
  });
});
