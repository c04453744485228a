// Exports: choice, count, download in a real browser under the page's own policy, verification, and
// list.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newCompany } from '../../support/people.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

/** Clicks the button. Returns the file that the browser saved: {name, text, sha256}. */
async function saved(page, button = 'Download') {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  const file = await coming;
  const bytes = readFileSync(await file.path());
  return {
    name: file.suggestedFilename(),
    text: bytes.toString(),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
const count = (page, text) => page.locator('.count', { hasText: text }).waitFor();
const newest = async (c) => (await c.get('/api/admin/exports?limit=1')).body.exports[0];

export async function exportsTheChosenRows(world) {
  const c = await newCompany(world.trackMate);
  for (let n = 0; n < 5; n += 1) {
    const user = {
      firstName: n ? `Ann${n}` : '=1+1',
      exportConsent: n < 3,
      tags: { add: [n % 2 ? 'odd' : 'even'] },
      customFields: { level: n },
    };
    await c.server({ email: `ann${n}@example.com` }, n ? 'paid' : 'made', {
      user,
      eventData: { amount: n },
      timestamp: new Date(Date.UTC(2025, n, 10)).toISOString(),
    });
  }
  const page = await openDashboard(world, c, 'exports');
  await page.getByText('None yet').waitFor();
  await count(page, '5 rows');
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByLabel('Consented to export').check();
  await count(page, '3 rows');
  await page.getByLabel('With the tag').fill('even');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await count(page, '2 rows');
  await page.getByText('Columns: all').click();
  for (const column of ['email', 'firstName']) await page.getByLabel(column, { exact: true }).check();
  await page.getByLabel('Further columns').fill('customFields.level');
  const csv = await saved(page);
  assert.match(csv.name, /\.csv$/);
  assert.deepEqual(csv.text.replace('\uFEFF', '').split('\r\n').sort(), [
    '',
    "ann0@example.com,'=1+1,0",
    'ann2@example.com,Ann2,2',
    'email,firstName,customFields.level',
  ]);
  const record = await newest(c);
  assert.deepEqual([record.state, record.rows, record.sha256], ['complete', 2, csv.sha256]);
  await page.getByText('The file is complete').waitFor();
  await page.locator('.notice').getByText(csv.sha256).waitFor();

  await page.getByRole('region', { name: 'Past exports' }).getByRole('button', { name: 'People, CSV' }).click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(JSON.parse(await dialog.locator('pre').textContent()), record.filters);
  await dialog.getByText('email, firstName, customFields.level').waitFor();
  await takePictures(page, 'exports-one');
  await page.keyboard.press('Escape');
  await takePictures(page, 'exports');

  // Events, by a shared URL.
  await page.goto(
    page.url().replace(/exports.*/, 'exports?kind=events&format=ndjson&eventType=paid&from=2025-03-01T00:00:00.000Z'),
  );
  await count(page, '3 rows');
  const lines = (await saved(page)).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ eventType, eventData }) => [eventType, eventData.amount]).sort(), [
    ['paid', 2],
    ['paid', 3],
    ['paid', 4],
  ]);

  // People, by the link on the list of people, with its filters.
  await page.goto(page.url().replace(/exports.*/, 'people?hasTag=odd'));
  await page.getByText('2 people').waitFor();
  await page.getByRole('link', { name: 'Export these' }).click();
  await count(page, '2 rows');
  await page.getByLabel('Format').selectOption('json');
  await page.getByLabel('Bookings', { exact: true }).check();
  const { users } = JSON.parse((await saved(page)).text);
  assert.deepEqual(users.map(({ email, bookings }) => [email, bookings]).sort(), [
    ['ann1@example.com', []],
    ['ann3@example.com', []],
  ]);
  assert.deepEqual(page.said, [], 'the policy allows the page to save files, without warnings');
  await page.context().close();
}

/** The Worker of the tests ends long exports early, so this one takes two requests. */
export async function exportsInParts(world) {
  const ROWS = 9_000;
  const c = await newCompany(world.trackMate);
  const d1 = await world.trackMate.d1();
  await d1
    .prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
       insert into events (company, source, message_id, session, ts, type, data, request, received_at) select ?1, 1, 'm' || i, 's', i, 'big', json_object('i', i), 1, 1 from n`,
    )
    .bind(c.companyId, ROWS)
    .run();
  const page = await openDashboard(world, c, 'exports?kind=events&format=ndjson');
  await count(page, '9,000 rows');
  const file = await saved(page);
  await page.getByText('in 2 parts').waitFor();
  const numbers = file.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).eventData.i);
  assert.deepEqual([numbers.length, new Set(numbers).size], [ROWS, ROWS], 'every event once');
  const [second, first] = (await c.get('/api/admin/exports?limit=2')).body.exports;
  assert.deepEqual([first.state, second.state, first.rows + second.rows], ['partial', 'complete', ROWS]);

  // A file in the browser's private file system replaces the file picker.
  await page.evaluate(() => {
    window.showSaveFilePicker = async () =>
      (await navigator.storage.getDirectory()).getFileHandle('export.csv', { create: true });
  });
  await page.getByLabel('Format').selectOption('csv');
  await page.getByRole('button', { name: 'Save to a file…' }).click();
  await page.getByText('.csv: 9,000 rows').waitFor();
  const text = await page.evaluate(async () =>
    (await (await (await navigator.storage.getDirectory()).getFileHandle('export.csv')).getFile()).text(),
  );
  assert.equal(text.trim().split('\r\n').length, ROWS + 1, 'one header line');

  // A JSON document cannot be continued: the page says so and saves nothing.
  await page.getByLabel('Format').selectOption('json');
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByText('too much for one JSON document').waitFor();
  assert.deepEqual(
    page.said.filter((said) => !/Failed to load|net::ERR/.test(said)),
    [],
  );
  await page.context().close();
}

/** Changes the file on its way: the page notices it and saves nothing. */
export async function doesNotSaveADamagedExport(world) {
  const c = await newCompany(world.trackMate);
  await c.server({ email: 'ann@example.com' }, 'made');
  const page = await openDashboard(world, c, 'exports');
  await page.route('**/api/admin/export/users/csv**', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace('ann@', 'eve@') });
  });
  let files = 0;
  page.on('download', () => (files += 1));
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByText('The file is damaged').waitFor();
  await until(
    'the record in the list',
    async () => (await page.getByRole('button', { name: 'People, CSV' }).count()) === 1,
  );

  // A stopped download is not saved either.
  await page.unroute('**/api/admin/export/users/csv**');
  await page.route('**/api/admin/export/users/csv**', () => {});
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByText('0 of 1 rows').waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Download' }).waitFor();
  assert.deepEqual([files, await page.getByRole('alert').count()], [0, 0]);
  await page.context().close();
}
