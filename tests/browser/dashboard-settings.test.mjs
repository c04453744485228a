// Runs the dashboard's scenarios of keys, settings, webhooks and deliveries against one Worker. Each
// uses a page as a person would, in real Chromium.
import { describe, test } from 'node:test';
import { sharedWorld } from './browser.mjs';
import { recoversAPeriod, showsEachDelivery, switchesAllWebhooks } from './dashboard/deliveries.mjs';
import { setsUpTheFunnel } from './dashboard/funnel.mjs';
import { setsATrackingPlan } from './dashboard/plan.mjs';
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

describe('the dashboard’s settings and webhooks', () => {
  const world = sharedWorld();

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
});
