// The tracking plan: inferred from stored events, edited, used to report, then to reject.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

export async function setsATrackingPlan(world, t) {
  const c = await newCompany(world.trackMate);
  for (let order = 1; order <= 3; order += 1)
    await c.server({ email: 'ada@example.com' }, 'paid', { eventData: { amount: order * 10, currency: 'USD' } });
  await c.track(c.session(), { eventType: 'page_view' }, { eventType: 'typo' });
  const page = await openDashboard(world, c, 'settings/plan');
  t.after(() => page.context().close());
  const plan = async () => (await c.get('/api/admin/plan')).body;
  const save = () => page.getByRole('button', { name: 'Save the plan' }).click();
  const inPlan = (name) => page.locator(`[data-key="${name}"]`);
  await page.getByText('The plan has no events yet').waitFor();
  await takePictures(page, 'settings-plan-empty');

  await page.getByRole('button', { name: 'Infer from stored events' }).click();
  await page.getByText('It is not saved yet').waitFor();
  assert.match(await inPlan('paid').innerText(), /amount: number/);
  await page.getByRole('button', { name: 'Remove typo' }).click();
  await page.getByLabel('Another event').fill('order_shipped');
  await page.getByLabel('Another event').press('Enter');
  await inPlan('order_shipped').waitFor();
  assert.deepEqual((await plan()).plan.events, {}, 'nothing is stored before it is saved');

  // Check events against the plan before it is saved.
  const tried = async (name, data, state) => {
    await page.getByLabel('Event name').fill(name);
    await page.getByLabel('Data', { exact: true }).fill(data);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator(`[data-tried=${state}]`).waitFor();
  };
  await tried('paid', '{"amount":5,"currency":"USD"}', 'fits');
  await tried('paid', '{"amount":"5","currency":"USD"}', 'refused');
  await page.getByText('eventData.amount is of type string').waitFor();
  await takePictures(page, 'settings-plan-tried');

  await page.getByLabel('Violations', { exact: true }).selectOption('Report');
  await save();
  await until('it is stored', async () => (await plan()).plan.mode === 'report');
  assert.deepEqual(Object.keys((await plan()).plan.events).sort(), ['order_shipped', 'page_view', 'paid']);
  await c.track(c.session(), { eventType: 'typo' }, { eventType: 'typo' });
  await c.server({ email: 'ada@example.com' }, 'paid', { eventData: { amount: 'much', currency: 'USD' } });
  const counted = page.getByRole('region', { name: 'Violations since the plan was set' }).locator('tbody tr');
  await until(
    'both are counted',
    async () => {
      await page.getByRole('button', { name: 'Refresh' }).click();
      return (await counted.count()) === 2;
    },
    30_000,
  );
  const typo = (await counted.filter({ hasText: 'typo' }).innerText()).replaceAll(/\s+/g, ' ');
  assert.match(typo, /^typo eventType not in the plan 2 /);
  await page.getByText("As JSON, with the schema of each event's data").click();
  await takePictures(page, 'settings-plan');

  // Invalid JSON is not sent, and the page says why.
  const json = page.getByLabel('Events by name');
  const whole = await json.inputValue();
  await json.fill(whole.slice(0, -1));
  await page.getByText('The plan is not valid JSON').waitFor();
  await save();
  await json.fill(whole);

  // Changing only the mode keeps the counts.
  await page.getByLabel('Violations', { exact: true }).selectOption('Reject');
  await save();
  await until('it is stored', async () => (await plan()).plan.mode === 'reject');
  assert.equal((await plan()).violations.length, 2);
  assert.equal((await c.tryServer({ eventType: 'typo' })).body.code, 'plan_violation');
  assert.equal((await c.tryServer({ eventType: 'order_shipped' })).status, 200);
  assert.deepEqual(page.said, []);
}
