import { after, before, describe, test } from 'node:test';
import { startTrackMate } from './support/harness.mjs';
import { launch } from './browser/browser.mjs';
import * as people from './browser/dashboard/people.mjs';
describe('mine', () => {
  const world = {};
  before(async () => { world.trackMate = await startTrackMate(); world.browser = await launch(); });
  after(async () => { await world.browser?.close(); await world.trackMate?.close(); });
  for (const [name, run] of Object.entries(people)) test(name, () => run(world));
});
