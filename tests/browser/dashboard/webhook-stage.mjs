// Shared by the scenarios of webhooks: a company with a receiver, and its dashboard.
import { newCompany } from '../../support/people.mjs';
import { startReceiver } from '../../support/receiver.mjs';
import { openDashboard } from './viewer.mjs';

/** A company and a receiver, closed after the test. */
export async function stage(t, { trackMate }, answer) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver(answer);
  t.after(receiver.close);
  return { c, receiver, url: `${receiver.url}/hook` };
}

/** Opens this place of the dashboard. The page is closed after the test. */
export async function openPage(t, world, c, place) {
  const page = await openDashboard(world, c, place);
  t.after(() => page.context().close());
  return page;
}
