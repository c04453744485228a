// Overview: compares the figures of each range with the API, in the cards, charts and tables.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { startReceiver } from '../../support/receiver.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The number that a card shows under this name. */
const fact = async (page, name) => Number(await page.locator(`[data-fact="${name}"] data`).getAttribute('value'));
const FACTS = {
  Events: 'events',
  'From browsers': 'browserEvents',
  'From servers': 'serverEvents',
  'Browser sessions': 'sessions',
  Active: 'activePeople',
  New: 'newPeople',
  Total: 'people',
  Delivered: 'delivered',
  Failed: 'failed',
  'Deliveries created': 'deliveries',
  Pending: 'pending',
  Held: 'held',
  Dismissed: 'dismissed',
};

/** Checks that the page shows the API's figures for the range that the page requested. */
async function agrees(page, c, answered) {
  const { search } = new URL((await answered).url());
  const { body: stats } = await c.get(`/api/admin/stats${search}`);
  await until(
    'the figures',
    async () => (await page.locator('.chart').count()) === 3 && (await fact(page, 'Events')) === stats.totals.events,
  );
  for (const [name, field] of Object.entries(FACTS)) assert.equal(await fact(page, name), stats.totals[field], name);
  if (stats.successRate !== null) assert.equal(await fact(page, 'Success'), stats.successRate);
  for (const [name, field] of [
    ['50 % within', 'p50'],
    ['90 % within', 'p90'],
    ['99 % within', 'p99'],
  ]) {
    if (stats.latencyMs) assert.equal(await fact(page, name), stats.latencyMs[field], name);
  }
  const top = await page
    .getByRole('region', { name: 'Top events' })
    .getByRole('row')
    .evaluateAll((rows) =>
      rows.slice(1).map((row) => ({
        name: row.querySelector('a').textContent,
        count: Number(row.querySelector('data').getAttribute('value')),
      })),
    );
  assert.deepEqual(top, stats.topEvents);

  // The chart's table and its label.
  const chart = page.locator('.chart').first();
  if (!(await chart.locator('details').evaluate((details) => details.open)))
    await chart.getByText('As a table').click();
  const shown = () =>
    chart
      .getByRole('row')
      .evaluateAll((rows) =>
        rows
          .slice(1)
          .map((row) => [
            row.querySelector('time').getAttribute('datetime'),
            Number(row.lastElementChild.textContent.replaceAll(/\D/g, '')),
          ]),
      );
  const expected = stats.series.map(({ at, events }) => [at, events]);
  await until('the table of this range', async () => (await shown()).length === expected.length);
  assert.deepEqual(await shown(), expected);
  assert.ok(
    (await chart.getByRole('img').getAttribute('aria-label')).includes(`Events: ${stats.totals.events} in total`),
  );
  assert.equal(
    stats.series.reduce((sum, { events }) => sum + events, 0),
    stats.totals.events,
  );
  return stats;
}

export async function figuresEqualTheApi({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const good = await startReceiver();
  const bad = await startReceiver(() => 400);
  const working = await c.subscribe(good.url, ['payment_processed'], { name: 'CRM' });
  const failing = await c.subscribe(bad.url, ['payment_processed'], { name: 'Warehouse' });
  const now = Date.now();
  const ago = (days) => new Date(now - days * DAY_MS).toISOString();
  for (const [person, days] of [
    ['ada', 0],
    ['bob', 3],
    ['eve', 20],
  ]) {
    const session = c.session();
    await c.track(
      session,
      ...Array.from({ length: 4 + days }, (_, i) => ({
        eventType: i % 3 ? 'page_view' : 'add_to_cart',
        timestamp: ago(days),
        messageId: `${person}-${i}`,
      })),
    );
    await c.identify(session, `${person}@example.com`, { timestamp: ago(days) });
    await c.server({ email: `${person}@example.com` }, 'payment_processed', { timestamp: ago(days) });
  }
  await until('both receivers', () => good.requests.length >= 3 && bad.requests.length >= 3);
  const stats = async ({ id }) => (await c.get(`/api/admin/webhooks/${id}`)).body.webhook.stats;
  await until(
    'all of it in the log',
    async () => (await stats(working)).success === 3 && (await stats(failing)).failed === 3,
  );

  const page = await openDashboard({ browser, trackMate }, c, 'people');
  const next = () => page.waitForResponse((response) => response.url().includes('/api/admin/stats') && response.ok());
  const first = next();
  await page.getByRole('link', { name: 'Overview' }).click();
  const day = await agrees(page, c, first);
  assert.equal(day.totals.failed, 3);
  const events = { '24 hours': day.totals.events };
  for (const range of ['7 days', '30 days']) {
    const answered = next();
    await page.getByRole('button', { name: range }).click();
    events[range] = (await agrees(page, c, answered)).totals.events;
    assert.equal(await page.getByRole('button', { name: range }).getAttribute('aria-pressed'), 'true');
  }
  assert.ok(events['24 hours'] < events['7 days'] && events['7 days'] < events['30 days'], JSON.stringify(events));
  await takePictures(page, 'overview');

  // A custom range is part of the URL, so a reload shows the same.
  const answered = next();
  await page.getByLabel('From').fill(ago(25).slice(0, 10));
  await answered;
  const other = next();
  await page.getByLabel('To', { exact: true }).fill(ago(15).slice(0, 10));
  const custom = await agrees(page, c, other);
  assert.ok(custom.totals.events > 0 && custom.totals.events < events['30 days']);
  assert.match(page.url(), /overview\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d/);
  const again = next();
  await page.reload();
  assert.equal((await agrees(page, c, again)).totals.events, custom.totals.events);

  const troubled = page.getByRole('region', { name: 'Webhooks that are held or failing' });
  assert.deepEqual(await troubled.getByRole('link').allTextContents(), ['Warehouse']);
  await troubled.getByRole('link', { name: 'Warehouse' }).click();
  await until('its webhook', () => page.url().endsWith(`/webhooks/${failing.id}`));
  assert.deepEqual(page.said, []);
  await page.context().close();
  await Promise.all([good.close(), bad.close()]);
}
