// The dashboard's scenarios in one process, behind one start of the Worker: each does a page's job as a person would, in real Chromium.
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { hostileMarkupStaysText, hostileMarkupStaysTextInShopAndDocs } from './dashboard/hostile.mjs';
import { anEventOpensToItsStory, eventsShowAsTheyComeIn, firstEventIsOneClickAway, nothingIsMissedWhileOffline, nothingMovesWhileItIsRead } from './dashboard/live.mjs';
import { figuresAgreeWithTheApi } from './dashboard/overview.mjs';
import { everyPageHasItsPolicy, firstLoadIsSmall } from './dashboard/policy.mjs';
import { keepsCompaniesApart, refusesAWrongKey } from './dashboard/sign-in.mjs';
import { oneClickShowsItsOwnEvent } from './dashboard/start.mjs';

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
  test('shows a company its first event after one click', () => firstEventIsOneClickAway(world));
  test('shows events as they come in, with whose they are and what became of them', () => eventsShowAsTheyComeIn(world));
  test('moves nothing while somebody reads, and says what waits', () => nothingMovesWhileItIsRead(world));
  test('goes on where it was when the connection comes back', () => nothingIsMissedWhileOffline(world));
  test('opens an event to its data, its receipt, its person and its deliveries', () => anEventOpensToItsStory(world));
  test('counts to the last unit what the API counts, in every range', () => figuresAgreeWithTheApi(world));
  test('comes, as every page, with a policy that lets nothing foreign run, and wasm only where the SDK is', () => everyPageHasItsPolicy(world));
  test('is small when it is first loaded', () => firstLoadIsSmall(world));
  test('shows hostile markup as the text it is, wherever it was put in', () => hostileMarkupStaysText(world));
  test('has that in common with the demo shop and the docs', () => hostileMarkupStaysTextInShopAndDocs(world));
});
