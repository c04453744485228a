// Live: watches events arrive, pauses, scrolls, filters, and opens one.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { startReceiver } from '../../support/receiver.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

const rows = (page) => page.getByRole('list', { name: 'Events, newest first' }).getByRole('listitem');
const names = (page) => rows(page).locator('.what').allTextContents();
const row = (page, name) => rows(page).filter({ has: page.getByRole('link', { name, exact: true }) });
async function showing(page, ...expected) {
  let shown;
  await until(
    () => `${expected} where ${shown} is shown`,
    async () => (shown = (await names(page)).join()) === expected.join(),
  );
}
/** Waits until Live listens. From then on events are logged. */
const listening = (page) => page.getByText('Listening', { exact: false }).first().waitFor();

export async function sendsTheFirstEvent({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const page = await openDashboard({ browser, trackMate }, c);
  await page.getByText('New events show here at once').waitFor();
  await takePictures(page, 'live-empty');
  const curl = await page.locator('pre', { hasText: 'curl' }).textContent();
  assert.ok(curl.includes(`${trackMate.url}/api/events`) && curl.includes(`"company_id":"${c.companyId}"`), curl);
  await page.getByRole('button', { name: 'Send a test event' }).click();
  await showing(page, 'hello');

  // The shown curl command works as it is.
  await c.call('POST', '/api/events', /-d '(.+)'$/s.exec(curl)[1]);
  await showing(page, 'hello', 'hello');
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function showsEventsAsTheyArrive({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const page = await openDashboard({ browser, trackMate }, c);
  await listening(page);
  const session = c.session();
  await c.track(session, {
    eventType: 'page_view',
    eventData: { address: 'https://shop.example/' },
    messageId: 'view-1',
  });
  await c.track(session, { eventType: 'page_view', messageId: 'view-1' });
  await c.events(session, [{ eventType: 'late', timestamp: 'soon', messageId: 'late-1' }]);
  await c.identify(session, 'ada@example.com', { name: 'Ada Lovelace' });
  await c.server({ email: 'ada@example.com' }, 'payment_processed', { eventData: { amount: 79.99 } });
  await until('the payment', async () => (await names(page)).includes('payment_processed'));
  const textOf = async (name) => (await row(page, name).allInnerTexts()).join('\n');
  for (const part of ['Ada Lovelace', 'server', 'stored', 'amount: 79.99'])
    assert.ok((await textOf('payment_processed')).includes(part), part);
  for (const part of ['rejected', 'ISO 8601']) assert.ok((await textOf('late')).includes(part), part);
  assert.deepEqual(
    (await row(page, 'page_view').locator('.marks').allInnerTexts()).map((marks) => marks.replaceAll(/\s+/g, ' ')),
    ['browser duplicate', 'browser stored'],
  );
  await takePictures(page, 'live');

  await page.getByLabel('Outcome').selectOption('Rejected');
  await showing(page, 'late');
  assert.match(page.url(), /outcome=rejected/);
  await c.track(session, { eventType: 'another' });
  await c.events(session, [{ eventType: 'late_too', timestamp: 'soon' }]);
  await showing(page, 'late_too', 'late');
  await page.reload();
  await showing(page, 'late_too', 'late');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByLabel('Event name').fill('another');
  await showing(page, 'another');
  await page.getByLabel('Event name').fill('');
  await page.getByLabel('Source').selectOption('Server');
  await until('the server’s alone', async () => (await names(page)).every((name) => name === 'payment_processed'));
  // Events of another day show their date in the same column.
  await page.getByRole('button', { name: 'Show all' }).click();
  await (
    await trackMate.d1()
  )
    .prepare('update incoming set at = at - 86400000 where company = ?1')
    .bind(c.companyId)
    .run();
  await page.reload();
  await until(
    () => `all of them in ${page.url()}`,
    async () => (await rows(page).count()) > 5,
  );
  for (const width of [1024, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const entry of await rows(page).all()) {
      const [time, name] = [await entry.locator('time').boundingBox(), await entry.locator('.what').boundingBox()];
      assert.ok(
        time.x + time.width <= name.x,
        `${await entry.locator('time').innerText()} ends at ${time.x + time.width}, the name begins at ${name.x}`,
      );
    }
  }
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function doesNotMoveWhileReading({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const page = await openDashboard({ browser, trackMate }, c);
  await listening(page);
  const session = c.session();
  await c.track(session, { eventType: 'first' });
  await showing(page, 'first');

  await page.getByRole('button', { name: 'Pause' }).click();
  await c.track(session, { eventType: 'second' }, { eventType: 'third' });
  await page.getByRole('button', { name: '2 new events' }).waitFor();
  await showing(page, 'first');
  await page.getByRole('button', { name: 'Resume' }).click();
  await showing(page, 'third', 'second', 'first');

  await c.track(session, ...Array.from({ length: 60 }, (_, i) => ({ eventType: `many_${i}` })));
  await until('all of them', async () => (await rows(page).count()) === 63);
  await page.mouse.move(700, 500);
  await page.mouse.wheel(0, 700);
  // Scrolling continues for a moment: wait until two frames have the same position.
  let last = 0;
  await until('further down, and at rest', async () => {
    const [before, now] = [
      last,
      await page.evaluate(
        () => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => seen(scrollY)))),
      ),
    ];
    last = now;
    return now > 500 && now === before;
  });
  const place = () =>
    row(page, 'many_30')
      .boundingBox()
      .then(({ y }) => y);
  const before = await place();
  await c.track(session, { eventType: 'while_reading' });
  await page.getByRole('button', { name: '1 new event' }).waitFor();
  assert.equal(await place(), before);
  assert.equal((await names(page))[0], 'many_59');
  await page.getByRole('button', { name: '1 new event' }).click();
  await until('the new one on top', async () => (await names(page))[0] === 'while_reading');
  await until('the top', () => page.evaluate(() => scrollY === 0));
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function missesNothingWhileOffline({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const page = await openDashboard({ browser, trackMate }, c);
  await listening(page);
  await c.track(c.session(), { eventType: 'before' });
  await showing(page, 'before');
  // Abort the stream's requests too, since going offline alone does not end an open stream.
  let refused = 0;
  await page.route('**/api/admin/events/stream*', (route) => ((refused += 1), route.abort()));
  await page.context().setOffline(true);
  await page.getByText('Connection lost').waitFor({ timeout: 60_000 });
  await c.track(c.session(), { eventType: 'meanwhile' });
  await page.unroute('**/api/admin/events/stream*');
  await page.context().setOffline(false);
  await showing(page, 'meanwhile', 'before');
  await listening(page);
  assert.ok(refused > 0);
  await page.context().close();
}

export async function opensAnEvent({ browser, trackMate }) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver((request, number) => (number === 1 ? 503 : 200));
  const webhook = await c.subscribe(receiver.url, ['payment_processed'], { name: 'CRM' });
  const page = await openDashboard({ browser, trackMate }, c);
  await listening(page);
  const session = c.session();
  const context = { page: { url: 'https://shop.example/a' }, campaign: { source: 'newsletter' } };
  await c.events(
    session,
    [{ eventType: 'page_view', eventData: { address: 'https://shop.example/a' }, messageId: 'view/1 ?#' }],
    { context },
  );
  const { body } = await c.identify(session, 'ada@example.com', { name: 'Ada Lovelace' });
  await c.server({ email: 'ada@example.com' }, 'payment_processed', {
    messageId: 'pay-1',
    eventData: { amount: 79.99 },
  });
  await c.events(session, [
    { eventType: 'bad', messageId: 'bad-1', timestamp: 'soon', eventData: { secret: 'hunter2' } },
  ]);
  await until('the rejected one', async () => (await names(page)).includes('bad'));

  await row(page, 'payment_processed').getByRole('link', { name: 'payment_processed' }).click();
  const panel = page.getByRole('complementary', { name: 'payment_processed' });
  await panel.getByText('delivered', { exact: true }).waitFor();
  assert.match(page.url(), /\/live\/server\/pay-1$/);
  const text = (await panel.innerText()).replaceAll(/\s+/g, ' ');
  for (const part of ['stored', '"amount": 79.99', 'Ada Lovelace ada@example.com', 'CRM', '503 in', '200 in'])
    assert.ok(text.includes(part), `${part} in ${text}`);
  assert.equal(
    await panel.getByRole('link', { name: 'CRM' }).getAttribute('href'),
    `#/${c.companyId}/webhooks/${webhook.id}`,
  );
  assert.equal(
    await panel.getByRole('link', { name: 'Ada Lovelace' }).getAttribute('href'),
    `#/${c.companyId}/people/${body.profileId}`,
  );
  await takePictures(page, 'live-event');
  await page.keyboard.press('Escape');
  await until('the list alone', async () => (await panel.count()) === 0 && /\/live$/.test(page.url()));

  // Another viewer opens an event by its URL. Its session was identified after the event.
  await row(page, 'page_view').getByRole('link', { name: 'page_view' }).click();
  const shared = await openDashboard({ browser, trackMate }, c, page.url().split(`${c.companyId}/`)[1]);
  const story = shared.getByRole('complementary');
  await story.getByText('"address": "https://shop.example/a"').waitFor();
  assert.match(await story.innerText(), /Linked by the identify of .+ in session/);
  await story.getByText('"source": "newsletter"').waitFor();
  await shared.context().close();

  await row(page, 'bad').getByRole('link', { name: 'bad' }).click();
  const refused = page.getByRole('complementary', { name: 'bad' });
  await refused.getByRole('link', { name: 'invalid_timestamp' }).waitFor();
  assert.match(await refused.innerText(), /ISO 8601/);
  assert.doesNotMatch(await refused.innerText(), /hunter2/);
  const problems = await (await fetch(`${trackMate.url}/docs/problems/`)).text();
  assert.ok(problems.includes('invalid_timestamp'), 'the linked page has the problem code');
  assert.deepEqual(page.said, []);
  await page.context().close();
  await receiver.close();
}
