// Runs the dashboard's scenarios of people, events and figures against one Worker. Each uses a page
// as a person would, in real Chromium.
import { describe, test } from 'node:test';
import { sharedWorld } from './browser.mjs';
import { exportsTheChosenRows, exportsInParts, doesNotSaveADamagedExport } from './dashboard/exports.mjs';
import { hostileMarkupStaysText, hostileMarkupStaysTextInShopAndDocs } from './dashboard/hostile.mjs';
import { managesAWebhookByKeyboard, opensAnEventByKeyboard } from './dashboard/keyboard.mjs';
import {
  opensAnEvent,
  showsEventsAsTheyArrive,
  sendsTheFirstEvent,
  missesNothingWhileOffline,
  doesNotMoveWhileReading,
} from './dashboard/live.mjs';
import { figuresEqualTheApi } from './dashboard/overview.mjs';
import { findsOneOfAHundredThousand, listsPeople, loadsPageByPage } from './dashboard/people-list.mjs';
import { editsAPerson, showsTheTimelineInTwoLanes } from './dashboard/person.mjs';
import {
  exportsAndErases,
  showsHostileMarkupOfPeopleAsText,
  undoesLinksAndMerges,
} from './dashboard/person-identity.mjs';
import { everyPageHasItsPolicy, firstLoadIsSmall } from './dashboard/policy.mjs';

describe('the dashboard’s people, events and figures', () => {
  const world = sharedWorld();

  test('people are searched, filtered, sorted and shown by columns, with a shareable URL', () => listsPeople(world));
  test('the list of people loads page by page', () => loadsPageByPage(world));
  test('one person is found among 100 000', () => findsOneOfAHundredThousand(world));
  test('a person’s timeline has two lanes, with the linking event marked', () => showsTheTimelineInTwoLanes(world));
  test('a person’s tags, traits, custom fields, consent and address are changed', () => editsAPerson(world));
  test('links and merges are undone', () => undoesLinksAndMerges(world));
  test('a person’s data is exported, then erased with a receipt', () => exportsAndErases(world));
  test('hostile markup is shown as text on the pages of people', () => showsHostileMarkupOfPeopleAsText(world));

  test('an export has the counted rows, the chosen columns and a verified hash', () => exportsTheChosenRows(world));
  test('a long export is downloaded in parts and written to a file', () => exportsInParts(world));
  test('a damaged export is not saved', () => doesNotSaveADamagedExport(world));
  test('a new company sees its first event after one click', () => sendsTheFirstEvent(world));
  test('Live shows events as they arrive, with person and outcome', () => showsEventsAsTheyArrive(world));
  test('Live does not move while the viewer reads, and counts waiting events', () => doesNotMoveWhileReading(world));
  test('Live misses nothing when the connection comes back', () => missesNothingWhileOffline(world));
  test('an open event shows its data, receipt, person and deliveries', () => opensAnEvent(world));
  test('a webhook is created and managed by keyboard alone', (t) => managesAWebhookByKeyboard(world, t));
  test('an event is opened and a person erased by keyboard alone', (t) => opensAnEventByKeyboard(world, t));
  test('the Overview’s figures equal the API’s in every range', () => figuresEqualTheApi(world));
  test('every page has a strict content security policy, and allows wasm only with the SDK', () =>
    everyPageHasItsPolicy(world));
  test('the first load of the dashboard is small', () => firstLoadIsSmall(world));
  test('hostile markup is shown as text on every page of the dashboard', () => hostileMarkupStaysText(world));
  test('hostile markup is shown as text in the demo shop and the docs', () =>
    hostileMarkupStaysTextInShopAndDocs(world));
});
