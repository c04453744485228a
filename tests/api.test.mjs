// All black-box tests of the API against one start of the real Worker.
import { after, before, describe } from 'node:test';
import audit from './api/audit.mjs';
import compat from './api/compat.mjs';
import contacts from './api/contacts.mjs';
import cost from './api/cost.mjs';
import deliveries from './api/deliveries.mjs';
import erasure from './api/erasure.mjs';
import events from './api/events.mjs';
import exports from './api/exports.mjs';
import groups from './api/groups.mjs';
import identify, { attacks } from './api/identify.mjs';
import keys from './api/keys.mjs';
import listing from './api/listing.mjs';
import mirror from './api/mirror.mjs';
import plan from './api/plan.mjs';
import problems from './api/problems.mjs';
import receipts from './api/receipts.mjs';
import records from './api/records.mjs';
import openapi from './api/openapi.mjs';
import server from './api/server.mjs';
import stats from './api/stats.mjs';
import sweep from './api/sweep.mjs';
import targets from './api/targets.mjs';
import tenants from './api/tenants.mjs';
import timeline from './api/timeline.mjs';
import trouble from './api/trouble.mjs';
import undo from './api/undo.mjs';
import users from './api/users.mjs';
import values from './api/values.mjs';
import webhooks from './api/webhooks.mjs';
import { startTrackMate } from './support/harness.mjs';

describe('the API', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());
  const features = [events, values, identify, attacks, server, timeline, compat, tenants, deliveries, webhooks, targets, trouble, sweep, contacts, users, mirror, undo, listing, records, groups, receipts, problems, exports, audit, keys, plan, stats, erasure, openapi, cost];
  for (const feature of features) feature(() => trackMate);
});
