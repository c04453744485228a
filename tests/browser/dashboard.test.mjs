// The dashboard's scenarios in one process, behind one start of the Worker: each does a page's job as a person would, in real Chromium.
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { oneClickShowsItsOwnEvent } from './dashboard/start.mjs';
import { keepsCompaniesApart, refusesAWrongKey } from './dashboard/sign-in.mjs';

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

  test('does not open with a wrong key', () => refusesAWrongKey(world));
  test('shows a newcomer the event of their one click', () => oneClickShowsItsOwnEvent(world));
  test('keeps companies side by side, and their keys in the tab alone', () => keepsCompaniesApart(world));
});
