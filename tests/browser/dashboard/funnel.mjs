// The funnel, as a marketer sets it up: the CRM's webhook, the form on a page, the received
// contacts.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { isSigned, startReceiver } from '../../support/receiver.mjs';
import { listen } from '../browser.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';
import { startSite } from './site.mjs';

export async function setsUpTheFunnel(world, t) {
  const { browser, trackMate } = world;
  const c = await newCompany(trackMate);
  let status = 200;
  const crm = await startReceiver(() => status);
  t.after(crm.close);
  const page = await openDashboard(world, c, 'funnel');
  t.after(() => page.context().close());
  await page.getByText('No CRM is set').waitFor();
  await takePictures(page, 'funnel-empty');

  await page.getByLabel('URL', { exact: true }).fill(`${crm.url}/crm`);
  await page.getByLabel('Secret').fill('secret-of-the-crm');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('No contact yet').waitFor();
  const { settings } = (await c.get('/api/admin/settings')).body;
  assert.deepEqual(
    [settings.crm_webhook_url, settings.webhook_enabled, settings.webhook_secret_set],
    [`${crm.url}/crm`, true, true],
  );
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('[data-test=delivered]').waitFor();
  assert.ok(isSigned(crm.requests[0], 'secret-of-the-crm'));
  status = 401;
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('[data-test=failed]').getByText('401').first().waitFor();
  status = 200;

  // The form that the dashboard shows works on a page of another origin.
  const site = await startSite(t);
  site.html = await page.locator('.code pre').filter({ hasText: '<form' }).textContent();
  const visitor = listen(await (await browser.newContext()).newPage());
  t.after(() => visitor.context().close());
  await visitor.goto(`${site.url}/spring?utm_source=newsletter&utm_campaign=spring`);
  await visitor.getByLabel('Name').fill('Ada Lovelace');
  await visitor.getByLabel('E-mail').fill('ada@example.com');
  await visitor.getByRole('button', { name: 'Register' }).click();
  await visitor.getByText('Thank you.').waitFor();
  assert.deepEqual(visitor.said, []);
  const delivery = await until('the CRM receives the contact', () => crm.requests[2]);
  assert.ok(isSigned(delivery, 'secret-of-the-crm'));
  const { data } = delivery.json;
  assert.deepEqual(
    [delivery.json.event, data.email, data.name, data.funnel.pageUrl, data.utm.source, data.utm.campaign],
    [
      'registration.submitted',
      'ada@example.com',
      'Ada Lovelace',
      `${site.url}/spring?utm_source=newsletter&utm_campaign=spring`,
      'newsletter',
      'spring',
    ],
  );

  await until('the delivery is logged', async () => (await c.deliveries('wh_funnel'))[0]?.status === 'delivered');
  await page.getByRole('button', { name: 'Refresh' }).click();
  const row = page.locator('tbody tr').filter({ hasText: 'ada@example.com' });
  await row.getByText('delivered').waitFor();
  await row.getByText('newsletter / spring').waitFor();
  const { id } = await c.user('ada@example.com');
  assert.ok((await row.getByRole('link').getAttribute('href')).endsWith(`/people/${id}`));
  await takePictures(page, 'funnel');

  await page.getByLabel('Send contacts to the CRM').uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await until('it is off', async () => !(await c.get('/api/admin/settings')).body.settings.webhook_enabled);
  assert.ok((await c.get('/api/admin/settings')).body.settings.webhook_secret_set, 'an empty field keeps the secret');
  await page.getByRole('button', { name: 'Remove the secret' }).click();
  await until(
    'the secret is removed',
    async () => !(await c.get('/api/admin/settings')).body.settings.webhook_secret_set,
  );
  assert.deepEqual(page.said, []);
}
