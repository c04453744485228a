// The dashboard's scenarios in one process, behind one start of the Worker: each does a page's job as a person would, in real Chromium.
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from '../support/harness.mjs';
import { launch } from './browser.mjs';
import { exportsWhatWasChosen, goesOnInPartsUntilItIsWhole, savesNothingThatIsNotWhatWasSent } from './dashboard/exports.mjs';
import { setsUpTheFunnel } from './dashboard/funnel.mjs';
import { hostileMarkupStaysText, hostileMarkupStaysTextInShopAndDocs } from './dashboard/hostile.mjs';
import { looksAfterAWebhookByKeyboard, opensAnEventByKeyboard } from './dashboard/keyboard.mjs';
import { anEventOpensToItsStory, eventsShowAsTheyComeIn, firstEventIsOneClickAway, nothingIsMissedWhileOffline, nothingMovesWhileItIsRead } from './dashboard/live.mjs';
import { figuresAgreeWithTheApi } from './dashboard/overview.mjs';
import {
  changesWhatIsSaid,
  exportsAndErases,
  listsPeople,
  showsHostileMarkupAsText,
  showsTheJourneyInTwoLanes,
  findsOneOfAHundredThousand,
  takesLinksAndMergesBack,
  walksTheListByItsCursor,
} from './dashboard/people.mjs';
import { keepsATrackingPlan } from './dashboard/plan.mjs';
import { everyPageHasItsPolicy, firstLoadIsSmall } from './dashboard/policy.mjs';
import { changesTheCompany, installs, makesAndRevokesKeys, provesIdentities, showsTheAuditLog } from './dashboard/settings.mjs';
import { keepsCompaniesApart, refusesAWrongKey } from './dashboard/sign-in.mjs';
import { oneClickShowsItsOwnEvent } from './dashboard/start.mjs';
import { addsAWebhook, recoversAWindow, rotatesAndDeletes, showsEachDelivery, showsReceiversThatWork, switchesAllAndSaysWhy } from './dashboard/webhooks.mjs';

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

  test('adds a webhook, tests it, and never shows its secrets again', (t) => addsAWebhook(world, t));
  test('shows receivers in three languages that take what the webhook sends', (t) => showsReceiversThatWork(world, t));
  test('shows each delivery with its attempts as they happen, and sends one again', (t) => showsEachDelivery(world, t));
  test('dismisses what was held, and recovers it call by call', (t) => recoversAWindow(world, t));
  test('switches all webhooks, and says why TrackMate switched one off', (t) => switchesAllAndSaysWhy(world, t));
  test('replaces a webhook’s secret, and deletes it', (t) => rotatesAndDeletes(world, t));
  test('sets up the funnel: CRM, form, contacts', (t) => setsUpTheFunnel(world, t));
  test('changes what the company decides, and shows what the API refuses', (t) => changesTheCompany(world, t));
  test('asks for proof of identity, with code that makes it', (t) => provesIdentities(world, t));
  test('makes snippets that work on another origin, and says when they do and when they are refused', (t) => installs(world, t));
  test('makes a key that is shown once, and revokes it', (t) => makesAndRevokesKeys(world, t));
  test('infers a tracking plan, reports by it, and then keeps it', (t) => keepsATrackingPlan(world, t));
  test('shows the audit log by action and day', (t) => showsTheAuditLog(world, t));
  test('lists people by search, filters, order and columns, at an address that can be shared', () => listsPeople(world));
  test('walks the list of people by its cursor', () => walksTheListByItsCursor(world));
  test('finds one person among 100 000', () => findsOneOfAHundredThousand(world));
  test("shows a person's journey in two lanes, and where it was linked", () => showsTheJourneyInTwoLanes(world));
  test('changes what is said of a person: tags, traits, fields, consent, address', () => changesWhatIsSaid(world));
  test('takes links and merges back', () => takesLinksAndMergesBack(world));
  test('hands a person their data, erases them, and shows the receipt', () => exportsAndErases(world));
  test('shows hostile markup as text on the pages of people', () => showsHostileMarkupAsText(world));

  test('exports what was chosen, counted first and checked afterwards', () => exportsWhatWasChosen(world));
  test('goes on with an export in parts until it is whole, and writes into a file', () => goesOnInPartsUntilItIsWhole(world));
  test('saves nothing that is not what was sent', () => savesNothingThatIsNotWhatWasSent(world));
  test('shows a company its first event after one click', () => firstEventIsOneClickAway(world));
  test('shows events as they come in, with whose they are and what became of them', () => eventsShowAsTheyComeIn(world));
  test('moves nothing while somebody reads, and says what waits', () => nothingMovesWhileItIsRead(world));
  test('goes on where it was when the connection comes back', () => nothingIsMissedWhileOffline(world));
  test('opens an event to its data, its receipt, its person and its deliveries', () => anEventOpensToItsStory(world));
  test('lets a webhook be made and looked after by the keyboard alone', (t) => looksAfterAWebhookByKeyboard(world, t));
  test('opens an event, and erases a person, by the keyboard alone', (t) => opensAnEventByKeyboard(world, t));
  test('counts to the last unit what the API counts, in every range', () => figuresAgreeWithTheApi(world));
  test('comes, as every page, with a policy that lets nothing foreign run, and wasm only where the SDK is', () => everyPageHasItsPolicy(world));
  test('is small when it is first loaded', () => firstLoadIsSmall(world));
  test('shows hostile markup as the text it is, wherever it was put in', () => hostileMarkupStaysText(world));
  test('has that in common with the demo shop and the docs', () => hostileMarkupStaysTextInShopAndDocs(world));
});
