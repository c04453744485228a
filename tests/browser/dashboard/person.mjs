// One person: the timeline, and changes to tags, traits, custom fields, consent and address.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { at, fact, JOURNEY, PRODUCT, sendJourney, shownEvents } from './journey.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

export async function showsTheTimelineInTwoLanes(world) {
  const c = await newCompany(world.trackMate);
  const { id, session } = await sendJourney(c);
  const page = await openDashboard(world, c, `people/${id}`);
  await page.getByRole('heading', { name: 'Sarah Johnson' }).waitFor();
  await until('all seven events', async () => (await shownEvents(page)).length === JOURNEY.length);
  assert.deepEqual(await shownEvents(page), JOURNEY.map(([name]) => name).reverse(), 'newest first');
  await page.getByLabel('Order').selectOption('Oldest first');
  await until('the other order', async () => (await shownEvents(page))[0] === 'page_view');
  assert.deepEqual(
    await shownEvents(page),
    JOURNEY.map(([name]) => name),
  );
  assert.deepEqual(
    [await fact(page, 'Events'), await fact(page, 'Sessions'), await fact(page, 'Revenue')],
    ['7', '2 (1 browser, 1 server)', '79.99 USD'],
  );
  await until(
    'the first page',
    async () =>
      (await fact(page, 'First seen')) ===
      'newsletter / email from https://search.example/ to https://shop.com/homepage',
  );
  assert.equal(await page.locator('[data-fact="Last active"] time').getAttribute('title'), at('16'));

  const middle =
    (await page.locator('.lanes').boundingBox()).x + (await page.locator('.lanes').boundingBox()).width / 2;
  for (const [name, source, line] of JOURNEY) {
    const entry = page.locator(`[data-event="${name}"] .happened`);
    const { x } = await entry.boundingBox();
    assert.equal(x < middle ? 'browser' : 'webhook', source, name);
    assert.ok((await entry.textContent()).includes(line), `${name}: ${await entry.textContent()}`);
  }
  assert.deepEqual(
    await page.locator('.happened', { hasText: 'linked here' }).locator('.happened-name').allTextContents(),
    ['user_registered'],
  );
  await takePictures(page, 'person');

  await page.locator('[data-event="payment_processed"] .happened').click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(JSON.parse(await dialog.locator('pre').textContent()), {
    orderId: 'ch_abc123',
    amount: 79.99,
    currency: 'USD',
    productInfos: [PRODUCT],
  });
  const { messageId } = (await c.timeline(id)).events.find(({ eventType }) => eventType === 'payment_processed');
  assert.equal(
    await dialog.getByRole('link', { name: 'Receipt' }).getAttribute('href'),
    `#/${c.companyId}/live/server/${messageId}`,
  );
  await takePictures(page, 'person-event');
  await dialog.getByRole('link', { name: 'Receipt' }).click();
  await page.getByRole('link', { name: 'Sarah Johnson' }).first().waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Sarah Johnson' }).waitFor();

  await c.track(
    session,
    ...Array.from({ length: 60 }, (_, n) => ({ eventType: 'scrolled', eventData: { n }, timestamp: at('17') })),
  );
  await page.reload();
  await until('a page of events', async () => (await shownEvents(page)).length === 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('all events', async () => (await shownEvents(page)).length === 67);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function editsAPerson(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sendJourney(c);
  await c.server({ userId: id }, 'booking.created', { eventData: { booking: { id: 'b-1', guests: 2 } } });
  await c.server({ userId: id }, 'order.paid', { eventData: { order: { id: 'o-1', sum: 5 } } });
  for (const identifier of [{ userId: id }, { email: 'bo@example.com' }]) {
    await c.server(identifier, 'group', {
      eventData: { groupId: 'acme', groupType: 'account', traits: { name: 'Acme', plan: 'gold' } },
      user: identifier.email && { name: 'Bo' },
    });
  }
  const user = async () => (await c.get(`/api/admin/users/${id}`)).body.user;
  const page = await openDashboard(world, c, `people/${id}`);

  await page.getByLabel('New tag').fill('vip');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: 'Remove the tag vip' }).waitFor();
  assert.deepEqual(
    (await user()).tags.map(({ name }) => name),
    ['vip'],
  );
  await page.getByRole('button', { name: 'Remove the tag vip' }).click();
  await until('no tag', async () => (await user()).tags.length === 0);

  const add = async (what, name, value) => {
    await page.getByRole('button', { name: `Add a ${what}` }).click();
    await page.getByRole('dialog').getByLabel('Name').fill(name);
    await page.getByLabel('Value').fill(value);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator(`[data-pair="${name}"]`).waitFor();
  };
  await add('trait', 'phone', '+4712345678');
  await add('trait', 'seats', '3');
  await add('trait', 'zip', '"0150"');
  await add('custom field', 'level', 'gold');
  assert.deepEqual(
    [(await user()).phone, (await user()).traits.seats, (await user()).traits.zip, (await user()).customFields],
    ['+4712345678', 3, '0150', { level: 'gold' }],
  );
  await page.getByRole('button', { name: 'Edit level' }).click();
  await page.getByLabel('Value').fill('silver');
  await page.getByRole('button', { name: 'Save' }).click();
  await until('another value', async () => (await user()).customFields.level === 'silver');
  await page.getByRole('button', { name: 'Edit seats' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await until('the trait removed', async () => !('seats' in (await user()).traits));

  await page.getByRole('button', { name: 'Record consent…' }).click();
  await page.getByLabel('When').fill('2025-05-01T12:00');
  await page.getByLabel('Source').fill('a call');
  await page.getByRole('button', { name: 'Record consent', exact: true }).click();
  await page.getByText('source: a call').waitFor();
  const { exportConsent } = await user();
  assert.deepEqual(
    [exportConsent.given, exportConsent.source, Date.parse(exportConsent.at)],
    [true, 'a call', await page.evaluate(() => new Date('2025-05-01T12:00').getTime())],
  );
  await page.getByLabel('WhatsApp').check();
  await until('the opt-in', async () => (await user()).optIns.whatsapp);

  await page.getByText('1 booking', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Acme', exact: true }).click();
  await page.getByRole('dialog').getByText('plan').waitFor();
  await page.getByRole('dialog').getByRole('link', { name: 'Bo' }).waitFor();
  await takePictures(page, 'person-group');
  await page.keyboard.press('Escape');

  const records = page.getByRole('region', { name: 'Records' });
  await records.getByRole('button', { name: 'b-1' }).waitFor();
  await page.getByLabel('Kind').selectOption('order');
  await until('orders alone', async () => (await records.getByRole('button').allTextContents()).join() === 'o-1');
  await records.getByRole('button', { name: 'o-1' }).click();
  assert.equal(JSON.parse(await page.getByRole('dialog').locator('pre').textContent()).sum, 5);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Change address…' }).click();
  await page.getByLabel('E-mail').fill('not an address');
  await page.getByLabel('E-mail').fill('sarah@new.example');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Email addresses' }).getByText('sarah@new.example').waitFor();
  assert.equal((await user()).email, 'sarah@new.example');
  await takePictures(page, 'person-edited');
  assert.deepEqual(page.said, []);
  await page.context().close();
}
