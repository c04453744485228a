// All browser scenarios in one process: the SDK against a scripted server, then the whole system behind one start of the Worker.
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { documentationReadsWell, samplesForPagesWork } from './docs.mjs';
import { journeyOnOneTimeline } from './journey.mjs';
import { referenceTellsEveryRoute } from './reference.mjs';
import './sdk.mjs';
import { deploymentHasNoShop, shopFromCartToDelivery, shopWithoutItsServer } from './shop.mjs';
import { leavingClients, strangersHearSo, vendorClients } from './vendors.mjs';
import { visitorOutlivesStorage } from './visitor.mjs';

describe('a browser and the real Worker', () => {
  const world = {};
  before(async () => {
    world.trackMate = await startTrackMate();
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.trackMate?.close();
  });

  test('put the shop journey on one timeline, exactly', () => journeyOnOneTimeline(world));
  test('take a customer of any company’s demo shop from the cart to a signed delivery', () =>
    shopFromCartToDelivery(world));
  test('have a demo shop in development alone', () => deploymentHasNoShop(world));
  test('know a visitor again by a cookie of the site itself', () => visitorOutlivesStorage(world));
  test('say plainly when the shop server is not there', () => shopWithoutItsServer(world));
  test('run the samples of the documentation for pages', () => samplesForPagesWork(world));
  test('show the documentation in every look', () => documentationReadsWell(world));
  test('show every route on the page of the API, without JavaScript', () => referenceTellsEveryRoute(world));

  // Each page waits for its client most of the time.
  describe('and other vendors’ clients for pages', { concurrency: true }, () => {
    for (const [name, visit] of vendorClients)
      test(`of which ${name} loses nothing, and nothing comes twice`, () => visit(world));
    for (const [name, leave] of leavingClients) test(`of which ${name} may send as its page goes`, () => leave(world));
    test('of which those that are not taken may read why', () => strangersHearSo(world));
  });
});
