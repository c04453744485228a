// The list of people: search, filters, order, columns, and pages.
import assert from 'node:assert/strict';
import { populate } from '../../support/crowd.mjs';
import { newCompany } from '../../support/people.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

const names = (page) => page.locator('table a.name').allTextContents();
const found = (page, ...expected) =>
  until(
    async () => `${expected} and not ${await names(page)}`,
    async () => JSON.stringify(await names(page)) === JSON.stringify(expected),
  );

export async function listsPeople(world) {
  const c = await newCompany(world.trackMate);
  const page = await openDashboard(world, c, 'people');
  await page.getByText('No people yet').waitFor();
  await takePictures(page, 'people-empty');

  const people = [
    ['Ann', 'Åberg'],
    ['Bo', 'Berg'],
    ['Cy', 'Chen'],
  ];
  for (const [n, [firstName, lastName]] of people.entries()) {
    const user = {
      firstName,
      lastName,
      phone: `+471234567${n}`,
      exportConsent: n === 0,
      optIns: { whatsapp: n < 2 },
      tags: { add: n === 1 ? ['vip', 'new'] : ['new'] },
      customFields: { level: n },
    };
    await c.server({ email: `${firstName}@example.com` }, 'made', {
      user,
      timestamp: new Date(Date.UTC(2025, n, 10)).toISOString(),
    });
  }
  await page.reload();
  await page.getByText('3 people').waitFor();
  await page.getByLabel('Sort by').selectOption('First name');
  await found(page, 'Ann Åberg', 'Bo Berg', 'Cy Chen');

  await page.getByLabel('Search').fill('aberg');
  await found(page, 'Ann Åberg');
  await until('the address to hold it', () => page.url().includes('search=aberg'));
  await page.getByLabel('Search').fill('');
  await found(page, 'Ann Åberg', 'Bo Berg', 'Cy Chen');
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByLabel('With the tag').fill('vip');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await found(page, 'Bo Berg');
  await page.getByRole('button', { name: 'Remove the tag vip' }).click();
  await page.getByLabel('Custom field').fill('level');
  await page.getByLabel('is', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Add field' }).click();
  await found(page, 'Cy Chen');
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.getByLabel('Opted in to').selectOption('whatsapp');
  await found(page, 'Ann Åberg', 'Bo Berg');
  await page.getByLabel('Consented to export').check();
  await found(page, 'Ann Åberg');
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.getByRole('textbox', { name: 'Created since' }).fill('2025-02-01');
  await page.getByLabel('Created before').fill('2025-03-01');
  await found(page, 'Bo Berg');
  await page.getByLabel('Changed since').fill('2090-01-01');
  await page.getByText('No people match').waitFor();
  await page.getByRole('button', { name: 'Clear all' }).click();

  await page.getByText('Columns', { exact: true }).click();
  await page.getByLabel('Last name').check();
  await page.getByLabel('level').check();
  await page.getByLabel('Phone').check();
  await page.getByText('Columns', { exact: true }).click();
  await page.getByRole('button', { name: 'Last name' }).click();
  await page.getByRole('button', { name: 'Last name' }).click();
  const order = (await c.get('/api/admin/users?sortBy=lastName&sortOrder=desc')).body.users.map(({ name }) => name);
  await found(page, ...order);
  await takePictures(page, 'people');
  await page.reload();
  await found(page, ...order);
  await page.getByRole('columnheader', { name: 'level' }).waitFor();
  assert.doesNotMatch(
    await page.evaluate(() => JSON.stringify({ ...localStorage })),
    /example|Berg|\+47/,
    'only column names are stored',
  );

  // The URL keeps the list's state.
  await page.getByRole('link', { name: 'Bo Berg' }).click();
  await page.getByRole('heading', { name: 'Bo Berg' }).waitFor();
  await page.getByRole('link', { name: 'All people' }).click();
  await found(page, ...order);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function loadsPageByPage(world) {
  const c = await newCompany(world.trackMate);
  const d1 = await world.trackMate.d1();
  await c.server({ email: 'first@example.com' }, 'made');
  await d1
    .prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 119)
       insert into profiles (company, id, email, traits, server_session, created_at, updated_at) select ?1, printf('prf_%04d', i), 'p' || i || '@example.com', '{}', 'webhook_1_' || i, i, i from n`,
    )
    .bind(c.companyId)
    .run();
  const page = await openDashboard(world, c, 'people');
  await page.getByText('120 people').waitFor();
  for (const count of [100, 120]) {
    await page.getByRole('button', { name: 'Show more' }).click();
    await until(`${count} rows`, async () => (await names(page)).length === count);
  }
  assert.equal(new Set(await names(page)).size, 120, 'each person once');
  assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);
  await page.context().close();
}

export async function findsOneOfAHundredThousand(world) {
  const c = await newCompany(world.trackMate);
  await populate(await world.trackMate.d1(), c.companyId, 100_000);
  const page = await openDashboard(world, c, 'people');
  await page.getByText('10,000 or more people').waitFor();
  const list = page.url();
  await page.locator('table a.name').first().click();
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();

  await page.goto(list);
  await page.getByLabel('Sort by').selectOption('Recently changed first');
  const [last] = (await c.get('/api/admin/users?sortBy=updatedAt&sortOrder=desc&limit=1')).body.users;
  await until('the order', async () => (await names(page))[0] === last.name);
  await page.getByLabel('Search').fill('ada.99990');
  await until('the one person', async () => (await names(page)).length === 1);
  assert.deepEqual(page.said, []);
  await page.context().close();
}
