// Runs all dashboard scenarios in one process against one Worker. Each uses a page as a person
// would, in real Chromium.
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { recoversAPeriod, showsEachDelivery, switchesAllWebhooks } from './dashboard/deliveries.mjs';
import { exportsTheChosenRows, exportsInParts, doesNotSaveADamagedExport } from './dashboard/exports.mjs';
import { setsUpTheFunnel } from './dashboard/funnel.mjs';
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
import { setsATrackingPlan } from './dashboard/plan.mjs';
import { everyPageHasItsPolicy, firstLoadIsSmall } from './dashboard/policy.mjs';
import {
  changesTheCompany,
  installsSnippets,
  createsAndRevokesKeys,
  verifiesIdentities,
  showsTheAuditLog,
} from './dashboard/settings.mjs';
import { signsInToSeveralCompanies, refusesAWrongKey } from './dashboard/sign-in.mjs';
import { showsTheClickOfTheStartPage } from './dashboard/start.mjs';
import { addsAWebhook, rotatesAndDeletes, showsWorkingReceivers } from './dashboard/webhooks.mjs';

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

  test('a wrong key does not sign in', () => refusesAWrongKey(world));
  test('one click on the start page shows its event in Live', () => showsTheClickOfTheStartPage(world));
  test('several companies are signed in, with keys stored only in the tab', () => signsInToSeveralCompanies(world));

  test('a webhook is added and tested, and its secrets are not shown again', (t) => addsAWebhook(world, t));
  test('the receiver code in three languages accepts deliveries', (t) => showsWorkingReceivers(world, t));
  test('deliveries show their attempts as they happen, and can be resent', (t) => showsEachDelivery(world, t));
  test('held deliveries are dismissed, then recovered step by step', (t) => recoversAPeriod(world, t));
  test('all webhooks are switched at once, and the reason for a disabled one is shown', (t) =>
    switchesAllWebhooks(world, t));
  test('a webhook’s secret is replaced, and the webhook deleted', (t) => rotatesAndDeletes(world, t));
  test('the funnel is set up with CRM, form and contacts', (t) => setsUpTheFunnel(world, t));
  test('the company’s settings are changed, and rejected values are explained', (t) => changesTheCompany(world, t));
  test('identity verification is required, and the sample code makes valid proofs', (t) =>
    verifiesIdentities(world, t));
  test('each install snippet works on another origin, and the check reports success and rejection', (t) =>
    installsSnippets(world, t));
  test('a key is created, shown once, and revoked', (t) => createsAndRevokesKeys(world, t));
  test('a tracking plan is inferred, reports violations, then rejects them', (t) => setsATrackingPlan(world, t));
  test('the audit log is filtered by action and day', (t) => showsTheAuditLog(world, t));
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
