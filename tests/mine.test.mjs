// temporary
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from './support/harness.mjs';
import { launch } from './browser/browser.mjs';
import * as webhooks from './browser/dashboard/webhooks.mjs';
import * as funnel from './browser/dashboard/funnel.mjs';
import * as settings from './browser/dashboard/settings.mjs';
import { hostileMarkupStaysText } from './browser/dashboard/hostile.mjs';
import { everyPageHasItsPolicy } from './browser/dashboard/policy.mjs';

describe('the dashboard', () => {
  const world = {};
  before(async () => {
    world.trackMate = await startTrackMate();
    world.browser = await launch();
  });
  after(async () => {
    await world.browser?.close();
    await world.trackMate?.close();
  });
  for (const [name, scenario] of Object.entries({ ...webhooks, ...funnel, ...settings, hostileMarkupStaysText, everyPageHasItsPolicy })) test(name, (t) => scenario(world, t));
});
