// People: the list with its filters, order and columns, and one person: what they did, what is said of them, what leads to them, and their end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { populate } from '../../support/crowd.mjs';
import { newCompany } from '../../support/people.mjs';
import { desk, looks, until } from './desk.mjs';

/** What a page may take to show its first content. */
const TRIES = 5;
const at = (minute) => `2025-10-18T10:${minute}:00.000Z`;
const PRODUCT = { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99 };
/** The product's own story: name, where from, what the one line tells. */
const JOURNEY = [
  ['page_view', 'browser', 'address: https://shop.com/homepage'],
  ['add_to_cart', 'browser', 'Wireless Headphones'],
  ['user_registered', 'browser', 'Sarah'],
  ['checkout_started', 'browser', 'Wireless Headphones'],
  ['payment_processed', 'webhook', '79.99 USD'],
  ['order_shipped', 'webhook', 'USPS'],
  ['email_delivered', 'webhook', 'SendGrid'],
];

/** Sarah's seven events → her id and session. */
async function sarah(c, email = 'sarah@example.com') {
  const session = c.session();
  const productInfos = [PRODUCT];
  const first = [
    { eventType: 'page_view', eventData: { address: 'https://shop.com/homepage' }, timestamp: at('00') },
    { eventType: 'add_to_cart', eventData: { productInfos }, timestamp: at('05') },
  ];
  const context = { page: { url: 'https://shop.com/homepage', referrer: 'https://search.example/' }, campaign: { source: 'newsletter', medium: 'email' } };
  await c.events(session, first, { context });
  const { profileId: id } = (await c.identify(session, email, { name: 'Sarah Johnson', timestamp: at('08') })).body;
  await c.track(session, { eventType: 'checkout_started', eventData: { productInfos }, timestamp: at('10') });
  await c.server({ email }, 'payment_processed', { eventData: { orderId: 'ch_abc123', amount: 79.99, currency: 'USD', productInfos }, timestamp: at('12') });
  await c.server({ email }, 'order_shipped', { eventData: { carrier: 'USPS', trackingNumber: '12345' }, timestamp: at('15') });
  await c.server({ email }, 'email_delivered', { eventData: { emailType: 'order_confirmation', provider: 'SendGrid' }, timestamp: at('16') });
  return { id, session };
}

const shown = (page) => page.locator('[data-event]').evaluateAll((all) => all.map((one) => one.dataset.event));
const names = (page) => page.locator('table a.name').allTextContents();
const fact = (page, name) => page.locator(`[data-fact="${name}"] dd`).first().textContent();
const found = (page, ...wanted) => until(async () => `${wanted} and not ${await names(page)}`, async () => JSON.stringify(await names(page)) === JSON.stringify(wanted));

export async function listsPeople(world) {
  const c = await newCompany(world.trackMate);
  const page = await desk(world, c, 'people');
  await page.getByText('No people yet').waitFor();
  await looks(page, 'people-empty');

  const people = [['Ann', 'Åberg'], ['Bo', 'Berg'], ['Cy', 'Chen']];
  for (const [n, [firstName, lastName]] of people.entries()) {
    const user = { firstName, lastName, phone: `+471234567${n}`, exportConsent: n === 0, optIns: { whatsapp: n < 2 }, tags: { add: n === 1 ? ['vip', 'new'] : ['new'] }, customFields: { level: n } };
    await c.server({ email: `${firstName}@example.com` }, 'made', { user, timestamp: new Date(Date.UTC(2025, n, 10)).toISOString() });
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
  await looks(page, 'people');
  await page.reload();
  await found(page, ...order);
  await page.getByRole('columnheader', { name: 'level' }).waitFor();
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage })), /example|Berg|\+47/, 'only names of columns are kept');

  // A shared address shows the same.
  await page.getByRole('link', { name: 'Bo Berg' }).click();
  await page.getByRole('heading', { name: 'Bo Berg' }).waitFor();
  await page.getByRole('link', { name: 'All people' }).click();
  await found(page, ...order);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function walksTheListByItsCursor(world) {
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
  const page = await desk(world, c, 'people');
  await page.getByText('120 people').waitFor();
  for (const count of [100, 120]) {
    await page.getByRole('button', { name: 'Show more' }).click();
    await until(`${count} rows`, async () => (await names(page)).length === count);
  }
  assert.equal(new Set(await names(page)).size, 120, 'nobody twice');
  assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);
  await page.context().close();
}

export async function showsTheJourneyInTwoLanes(world) {
  const c = await newCompany(world.trackMate);
  const { id, session } = await sarah(c);
  const page = await desk(world, c, `people/${id}`);
  await page.getByRole('heading', { name: 'Sarah Johnson' }).waitFor();
  await until('all seven events', async () => (await shown(page)).length === JOURNEY.length);
  assert.deepEqual(await shown(page), JOURNEY.map(([name]) => name).reverse(), 'newest first');
  await page.getByLabel('Order').selectOption('Oldest first');
  await until('the other order', async () => (await shown(page))[0] === 'page_view');
  assert.deepEqual(await shown(page), JOURNEY.map(([name]) => name));
  assert.deepEqual([await fact(page, 'Events'), await fact(page, 'Sessions'), await fact(page, 'Revenue')], ['7', '2 (1 browser, 1 server)', '79.99 USD']);
  await until('where she was first seen', async () => (await fact(page, 'First seen')) === 'newsletter / email from https://search.example/ to https://shop.com/homepage');
  assert.equal(await page.locator('[data-fact="Last active"] time').getAttribute('title'), at('16'));

  const middle = (await page.locator('.lanes').boundingBox()).x + (await page.locator('.lanes').boundingBox()).width / 2;
  for (const [name, source, line] of JOURNEY) {
    const entry = page.locator(`[data-event="${name}"] .happened`);
    const { x } = await entry.boundingBox();
    assert.equal(x < middle ? 'browser' : 'webhook', source, name);
    assert.ok((await entry.textContent()).includes(line), `${name}: ${await entry.textContent()}`);
  }
  assert.deepEqual(await page.locator('.happened', { hasText: 'linked here' }).locator('.happened-name').allTextContents(), ['user_registered']);
  await looks(page, 'person');

  await page.locator('[data-event="payment_processed"] .happened').click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(JSON.parse(await dialog.locator('pre').textContent()), { orderId: 'ch_abc123', amount: 79.99, currency: 'USD', productInfos: [PRODUCT] });
  const { messageId } = (await c.timeline(id)).events.find(({ eventType }) => eventType === 'payment_processed');
  assert.equal(await dialog.getByRole('link', { name: 'Receipt' }).getAttribute('href'), `#/${c.companyId}/live/server/${messageId}`);
  await looks(page, 'person-event');
  await dialog.getByRole('link', { name: 'Receipt' }).click();
  await page.getByRole('link', { name: 'Sarah Johnson' }).first().waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Sarah Johnson' }).waitFor();

  await c.track(session, ...Array.from({ length: 60 }, (_, n) => ({ eventType: 'scrolled', eventData: { n }, timestamp: at('17') })));
  await page.reload();
  await until('a page of events', async () => (await shown(page)).length === 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('all events', async () => (await shown(page)).length === 67);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function changesWhatIsSaid(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sarah(c);
  await c.server({ userId: id }, 'booking.created', { eventData: { booking: { id: 'b-1', guests: 2 } } });
  await c.server({ userId: id }, 'order.paid', { eventData: { order: { id: 'o-1', sum: 5 } } });
  for (const identifier of [{ userId: id }, { email: 'bo@example.com' }]) {
    await c.server(identifier, 'group', { eventData: { groupId: 'acme', groupType: 'account', traits: { name: 'Acme', plan: 'gold' } }, user: identifier.email && { name: 'Bo' } });
  }
  const user = async () => (await c.get(`/api/admin/users/${id}`)).body.user;
  const page = await desk(world, c, `people/${id}`);

  await page.getByLabel('New tag').fill('vip');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: 'Remove the tag vip' }).waitFor();
  assert.deepEqual((await user()).tags.map(({ name }) => name), ['vip']);
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
  assert.deepEqual([(await user()).phone, (await user()).traits.seats, (await user()).traits.zip, (await user()).customFields], ['+4712345678', 3, '0150', { level: 'gold' }]);
  await page.getByRole('button', { name: 'Edit level' }).click();
  await page.getByLabel('Value').fill('silver');
  await page.getByRole('button', { name: 'Save' }).click();
  await until('another value', async () => (await user()).customFields.level === 'silver');
  await page.getByRole('button', { name: 'Edit seats' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await until('the trait gone', async () => !('seats' in (await user()).traits));

  await page.getByRole('button', { name: 'Record consent…' }).click();
  await page.getByLabel('When').fill('2025-05-01T12:00');
  await page.getByLabel('Source').fill('a call');
  await page.getByRole('button', { name: 'Record consent', exact: true }).click();
  await page.getByText('source: a call').waitFor();
  const { exportConsent } = await user();
  assert.deepEqual([exportConsent.given, exportConsent.source, Date.parse(exportConsent.at)], [true, 'a call', await page.evaluate(() => new Date('2025-05-01T12:00').getTime())]);
  await page.getByLabel('WhatsApp').check();
  await until('the opt-in', async () => (await user()).optIns.whatsapp);

  await page.getByText('1 booking', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Acme', exact: true }).click();
  await page.getByRole('dialog').getByText('plan').waitFor();
  await page.getByRole('dialog').getByRole('link', { name: 'Bo' }).waitFor();
  await looks(page, 'person-group');
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
  await looks(page, 'person-told');
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function takesLinksAndMergesBack(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sarah(c);
  const other = (await c.identify(c.session(), 'work@example.com', { name: 'S. Johnson', timestamp: at('30') })).body.profileId;
  const mistake = c.session();
  await c.track(mistake, { eventType: 'not_hers', timestamp: at('40') });
  await c.identify(mistake, 'sarah@example.com', { timestamp: at('41') });
  const page = await desk(world, c, `people/${id}`);

  await page.getByRole('button', { name: `Undo the link of ${mistake}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 events of the session').waitFor();
  await looks(page, 'person-undo');
  await dialog.getByRole('button', { name: 'Undo the link' }).click();
  await until('her seven events again', async () => (await shown(page)).length === JOURNEY.length);
  assert.ok(!(await c.names(id)).includes('not_hers'));

  await page.getByRole('button', { name: 'Merge…' }).click();
  await page.getByLabel('Merge into').fill('s.');
  await page.getByLabel('Merge into').fill('work');
  await dialog.getByLabel('S. Johnson').check();
  await dialog.getByText('gets 7 events').waitFor();
  await looks(page, 'person-merge');
  await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
  await until('the page of the other', () => page.url().endsWith(other));
  assert.equal((await c.get(`/api/admin/users/${id}`)).body.user.id, other);
  await until('both timelines in one', async () => (await shown(page)).length === JOURNEY.length + 1);
  await page.goto(page.url().replace(other, id));
  await page.getByText('was merged into this person').waitFor();
  await page.goto(page.url().replace(id, other));

  await page.getByRole('button', { name: 'Undo the merge of sarah@example.com' }).click();
  await dialog.getByRole('button', { name: 'Undo the merge' }).click();
  await until('one event', async () => (await shown(page)).length === 1);
  assert.equal((await c.get(`/api/admin/users/${id}`)).body.user.id, id);
  assert.deepEqual(await c.names(id), JOURNEY.map(([name]) => name));

  // The one link that made somebody takes them away.
  await page.getByRole('button', { name: 'Undo the link of' }).click();
  await dialog.getByRole('button', { name: 'Undo the link' }).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  assert.equal((await c.call('GET', `/api/admin/users/${other}`, undefined, c.admin)).status, 404);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function exportsAndErases(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sarah(c);
  await c.server({ userId: id }, 'booking.created', { eventData: { booking: { id: 'b-1' } }, user: { tags: { add: ['vip'] } } });
  const page = await desk(world, c, `people/${id}`);

  await page.getByRole('button', { name: 'Export…' }).click();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = JSON.parse(readFileSync(await (await coming).path(), 'utf8'));
  assert.deepEqual([file.user.email, file.events.length, file.records.length], ['sarah@example.com', 8, 1]);
  await page.getByText('The file is complete').waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Erase…' }).click();
  const dialog = page.getByRole('dialog');
  for (const goes of ['8 events of 2 sessions', '1 record:', '1 tag', '1 email address']) await dialog.getByText(goes).waitFor();
  const act = dialog.getByRole('button', { name: 'Erase permanently' });
  assert.ok(await act.isDisabled());
  await looks(page, 'person-erase');
  await dialog.getByLabel('Type').fill('sarah@example.com');
  await act.click();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  const { receipt } = (await c.get(`/api/admin/users/${id}/erasure`)).body;
  await page.getByText('complete', { exact: true }).waitFor();
  assert.deepEqual([await fact(page, 'Events'), await fact(page, 'Records')], [String(receipt.counts.events), String(receipt.counts.records)]);
  assert.doesNotMatch(await page.locator('main').innerText(), /sarah|johnson/i);
  await looks(page, 'person-erased');

  await page.getByLabel('E-mail').fill('sarah@example.com');
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('can be used again, by a new person').waitFor();
  assert.ok((await c.server({ email: 'sarah@example.com' }, 'back')).body.created);

  // Who followed an old link sees the same; nobody at all is another matter. The browser notes each refusal.
  await page.reload();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  await page.goto(page.url().replace(id, 'nobody'));
  await page.getByText('unknown_user').waitFor();
  assert.deepEqual(page.said.filter((said) => !/status of (410|404)/.test(said)), []);
  await page.context().close();
}

export async function findsOneOfAHundredThousand(world) {
  const c = await newCompany(world.trackMate);
  await populate(await world.trackMate.d1(), c.companyId, 100_000);
  const page = await desk(world, c, 'people');
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

/** What anybody can claim with the public key, and what servers told, stands on the pages as text. */
export async function showsHostileMarkupAsText(world) {
  const c = await newCompany(world.trackMate);
  const bad = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';
  const session = c.session();
  await c.track(session, { eventType: bad, eventData: { [bad]: bad, amount: bad, currency: bad, productInfos: [{ productName: bad }] } });
  const { profileId: id } = (await c.identify(session, 'bad@example.com', { name: bad, phone: bad, profilePic: 'javascript:window.hurt=1', [bad]: bad })).body;
  await c.server({ userId: id }, 'thing.made', { eventData: { thing: { id: bad, status: bad, note: bad } }, user: { tags: { add: [bad] }, customFields: { [bad]: bad } } });
  const page = await desk(world, c, `people?columns=tags,phone,${encodeURIComponent(`customFields.${bad}`)}&hasTag=${encodeURIComponent(bad)}`);
  await page.locator('table a.name', { hasText: bad }).click();
  await page.locator('.happened', { hasText: bad }).first().click();
  await page.getByRole('dialog').getByText('onerror').first().waitFor();
  await page.keyboard.press('Escape');
  for (const button of [page.getByRole('region', { name: 'Records' }).getByRole('button'), page.getByRole('button', { name: 'Merge…' }), page.getByRole('button', { name: 'Erase…' })]) {
    await button.click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until('the dialog closed', async () => (await page.getByRole('dialog').count()) === 0);
  }
  await looks(page, 'person-hostile');
  assert.deepEqual([await page.evaluate(() => window.hurt), await page.locator('main img, main script').count(), page.said], [undefined, 0, []]);
  await page.context().close();
}
