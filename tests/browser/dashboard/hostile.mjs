// Puts hostile markup into every text that others can set. None of it may run, and all of it must
// show as text.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { startReceiver } from '../../support/receiver.mjs';
import { openShop } from '../shop.mjs';
import { openDashboard, menu, until } from './viewer.mjs';

/** Maximum number of visited places, in total and per kind (a page and its depth). */
const PLACES_MAX = 150;
const ALIKE_MAX = 12;
/** Buttons that show more and change nothing. */
const SHOWING = /^(show|details|open|edit|view|preview|columns|attempts|more|payload|request|response|exchange)\b/i;

/** Markup that reports its field's name if it runs. */
const markup = (field) =>
  `"'><img src=x onerror=ran("${field}")><b data-injected=${field}></b><script>ran("${field}")</script>{{7*7}}`;
const short = (field) => `"><b data-injected=${field} onclick=ran()>`;
const address = (field) => `javascript:ran("${field}")//<b data-injected=${field}>`;

/** A company full of hostile texts, from the public API, a server, an admin and a receiver. */
async function hostileCompany(trackMate) {
  const c = await newCompany(trackMate, { name: markup('companyName').slice(0, 190) });
  const receiver = await startReceiver((request, number) => ({
    status: number % 2 ? 500 : 200,
    headers: { 'content-type': 'text/html' },
    body: markup('responseBody'),
  }));
  const webhook = await c.subscribe(`${receiver.url}/${encodeURIComponent(short('webhookUrl'))}`, ['*'], {
    name: markup('webhookName').slice(0, 100),
    description: markup('webhookDescription').slice(0, 200),
  });
  // TrackMate logs events only while somebody watches. This request counts as watching.
  await c.call('GET', '/api/admin/events', undefined, c.admin);

  const agent = { 'user-agent': markup('userAgent'), referer: `https://shop.example/?${short('referer')}` };
  const session = c.session();
  const data = {
    [short('dataKey')]: markup('dataValue'),
    address: address('address'),
    url: address('url'),
    nested: { [short('nestedKey')]: [markup('nestedValue')] },
    amount: 5,
    currency: short('currency'),
  };
  const events = [
    { eventType: markup('eventType'), eventData: data, messageId: short('messageId') },
    {
      eventType: 'purchase',
      eventData: {
        amount: 12,
        currency: short('currencyOfRevenue'),
        productInfos: [{ productName: markup('productName') }],
      },
    },
    {
      eventType: markup('rejectedType'),
      timestamp: markup('rejectedTimestamp'),
      eventData: { [short('rejectedKey')]: 1 },
    },
  ];
  await c.events(
    session,
    events,
    { context: { page: address('contextPage') }, anonymousId: short('anonymousId') },
    agent,
  );
  await c.events(short('sessionId'), events, {}, agent);
  const { body } = await c.identify(session, 'hostile@example.com', {
    name: markup('personName'),
    firstName: markup('firstName'),
    lastName: markup('lastName'),
    phone: short('phone'),
    locale: short('locale'),
    timezone: short('timezone'),
    profilePic: address('profilePic'),
    [short('traitKey')]: markup('traitValue'),
    messageId: short('identifyId'),
  });
  const form = {
    company_id: c.companyId,
    email: 'form@example.com',
    name: markup('contactName'),
    funnel: {
      projectId: short('projectId'),
      projectName: markup('projectName'),
      pageId: short('pageId'),
      pageUrl: address('pageUrl'),
    },
    visitor: { id: short('visitorId'), userAgent: markup('visitorAgent'), referrer: address('referrer') },
    utm: Object.fromEntries(
      ['source', 'medium', 'campaign', 'term', 'content'].map((name) => [name, short(`utm-${name}`)]),
    ),
  };
  await c.call('POST', '/api/contacts', form, agent);

  const identifier = { userId: body.profileId };
  await c.tryServer({
    identifier,
    eventType: 'booking.created',
    eventData: { booking: { id: short('bookingId'), title: markup('bookingTitle'), status: short('bookingStatus') } },
  });
  await c.tryServer({ identifier, eventType: 'qr.scanned', eventData: { qrCode: { code: short('qrCode') } } });
  await c.tryServer({
    identifier,
    eventType: 'message.received',
    eventData: { message: { text: markup('messageText') } },
  });
  await c.tryServer({
    identifier,
    eventType: markup('serverType'),
    messageId: short('serverId'),
    eventData: { value: markup('serverValue') },
  });
  const admin = (method, path, what) => c.call(method, path, what, c.admin);
  await admin('POST', `/api/admin/users/${body.profileId}/tags`, { tags: [short('tag')] });
  await admin('PATCH', `/api/admin/users/${body.profileId}/custom-fields`, {
    [short('fieldName')]: markup('fieldValue'),
  });
  await admin('POST', '/api/admin/keys', { scope: 'server', name: short('keyName') });
  await admin('PATCH', '/api/admin/settings', {
    revenueEvents: [short('revenueEvent'), 'purchase'],
    crm_webhook_url: `${receiver.url}/${encodeURIComponent(short('crmUrl'))}`,
  });
  await c.call('GET', `/api/admin/export/users/csv?search=${encodeURIComponent(short('search'))}`, undefined, c.admin);
  await until('a delivery that was answered', async () =>
    (await c.deliveries(webhook.id)).some(({ attempts }) => attempts.length > 0),
  );
  return { ...c, webhook, profileId: body.profileId, close: receiver.close };
}

/** Collects everything that runs, is blocked or opens a dialog on any page of this context. */
async function trap(context) {
  const caught = [];
  await context.exposeBinding('ran', (source, what) => void caught.push(`ran: ${what}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      window.ran(`blocked by the policy: ${violatedDirective} ${blockedURI} ${sample}`),
    );
    window.alert = window.confirm = window.prompt = (text) => window.ran(`dialog: ${text}`);
  });
  context.on('page', (page) => {
    page.on('pageerror', (error) => caught.push(String(error)));
    page.on('dialog', (dialog) => caught.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    page.on(
      'console',
      (message) => /Content Security Policy|violates/i.test(message.text()) && caught.push(message.text()),
    );
  });
  return caught;
}

/** Returns the shown fields and the links of the page. Fails if a text became markup. */
async function inspect(page, where) {
  const { injected, scripted, text, links } = await page.evaluate(() => {
    const all = (selector, attribute) =>
      [...document.querySelectorAll(selector)].map((one) => one.getAttribute(attribute));
    const shown = [
      document.body.innerText,
      ...[...document.querySelectorAll('input, textarea, select')].map((field) => field.value),
      ...all('[title]', 'title'),
      ...[...document.querySelectorAll('option')].map((one) => one.textContent),
    ];
    const addresses = [...all('a[href]', 'href'), ...all('[src]', 'src'), ...all('form[action]', 'action')];
    return {
      injected: all('[data-injected], img[src=x], [onerror], [onclick]', 'data-injected'),
      scripted: addresses.filter((address) => /^\s*(javascript|data|vbscript):/i.test(address)),
      text: shown.join('\n'),
      links: all('a[href^="#/"]', 'href'),
    };
  });
  assert.deepEqual(injected, [], `${where}: markup became elements`);
  assert.deepEqual(scripted, [], `${where}: a URL would run`);
  return { seen: [...text.matchAll(/data-injected=([\w-]+)/g)].map(([, field]) => field), links };
}

/** Waits until the page is loaded. */
const settled = (page) =>
  page.waitForFunction(
    () =>
      document.querySelector('#main h1, #main .problem') &&
      !document.querySelector('#main .waiting, #main [aria-busy=true]'),
  );

/** Visits all links of the dashboard and opens everything that opens. Returns the shown fields. */
async function walk(page, started) {
  const [seen, known, alike] = [new Set(), new Set(started), new Map()];
  const queue = [...started];
  const look = async (where) => {
    const found = await inspect(page, where);
    found.seen.forEach((field) => seen.add(field));
    for (const link of found.links.filter((link) => !known.has(link))) {
      known.add(link);
      const kind = `${link.split('?')[0].split('/')[2]}, ${link.split('?')[0].split('/').length}`;
      alike.set(kind, (alike.get(kind) ?? 0) + 1);
      if (alike.get(kind) <= ALIKE_MAX && known.size < PLACES_MAX) queue.push(link);
    }
  };
  for (const place of queue) {
    await page.evaluate((hash) => (location.hash = hash), place);
    await settled(page);
    await look(place);
    await page.locator('#main details:not([open]) > summary').evaluateAll((all) => all.forEach((one) => one.click()));
    const buttons = page.locator('#main button:visible');
    const names = await buttons.evaluateAll((all) => all.map((one) => one.innerText));
    for (const index of names.flatMap((name, index) => (SHOWING.test(name) ? [index] : [])).slice(0, ALIKE_MAX)) {
      // An earlier click may have removed it.
      await buttons
        .nth(index)
        .click({ timeout: 1_000 })
        .catch(() => {});
      await settled(page);
      await look(`${place}, ${names[index]}`);
      await page.keyboard.press('Escape');
    }
    await settled(page);
    await look(`${place}, opened`);
  }
  return { seen, places: queue };
}

export async function hostileMarkupStaysText({ browser, trackMate }) {
  const company = await hostileCompany(trackMate);
  let caught = [];
  const first = await openDashboard(
    { browser, trackMate },
    company,
    'live',
    async (context) => (caught = await trap(context)),
  );
  const { seen, places } = await walk(first, await menu(first));
  for (const field of [
    'companyName',
    'eventType',
    'dataKey',
    'dataValue',
    'messageId',
    'personName',
    'serverType',
    'rejectedType',
    'webhookName',
  ]) {
    assert.ok(seen.has(field), `${field} was shown somewhere: ${[...seen].join(' ')} on ${places.join(' ')}`);
  }
  await first.context().close();
  assert.deepEqual(caught, []);
  await company.close();
}

export async function hostileMarkupStaysTextInShopAndDocs({ browser, trackMate }) {
  const shop = await openShop(trackMate);
  const context = await browser.newContext();
  const caught = await trap(context);
  const page = await context.newPage();
  try {
    await page.goto(
      `${trackMate.url}/shop/?company=${shop.companyId}&shopPort=${shop.port}&utm_source=${encodeURIComponent(markup('source'))}#${encodeURIComponent(short('hash'))}`,
    );
    await page.getByRole('link', { name: 'Wireless Headphones' }).click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('link', { name: 'Continue' }).click();
    await page.getByLabel('Name').fill(markup('customer'));
    await page.getByLabel('E-mail').fill('hostile@example.com');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('button', { name: 'Checkout' }).waitFor();
    const headers = { 'content-type': 'application/json', 'x-trackmate-api-key': shop.serverKey };
    const body = {
      identifier: { email: 'hostile@example.com' },
      eventType: markup('eventType'),
      eventData: { trackingNumber: markup('tracking'), carrier: short('carrier') },
    };
    await trackMate.call('POST', '/api/webhooks/events', body, headers);
    await until('the event in the panel', async () => (await inspect(page, 'the shop')).seen.includes('tracking'));
    const { seen } = await inspect(page, 'the shop');
    for (const field of ['customer', 'eventType', 'tracking'])
      assert.ok(seen.includes(field), `${field}: ${seen.join(' ')}`);

    for (const path of [
      `/shop/?company=${encodeURIComponent(markup('company'))}`,
      `/docs/?q=${encodeURIComponent(markup('query'))}#${encodeURIComponent(short('hash'))}`,
      `/${encodeURIComponent(short('path'))}`,
      `/dashboard/#/${encodeURIComponent(short('company'))}/${encodeURIComponent(short('page'))}`,
    ]) {
      await page.goto(trackMate.url + path);
      await page.waitForLoadState('load');
      await inspect(page, path);
    }
    assert.deepEqual(caught, []);
  } finally {
    await context.close();
    shop.close();
  }
}
