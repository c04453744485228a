// The demo shop and the dashboard as a person uses them, with the shop's server and the real
// Worker.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { freePort, shopServers } from '../../scripts/shops.mjs';
import { serveStartPage } from '../../scripts/start-page.mjs';
import { listen, until, visit } from './browser.mjs';
import { looks } from './dashboard/desk.mjs';

const JOURNEY = [
  'page_view',
  'page_view',
  'add_to_cart',
  'page_view',
  'user_registered',
  'page_view',
  'checkout_started',
  'payment_processed',
  'order_shipped',
  'email_delivered',
];

/** Starts shop servers as `make dev` does → {open(companyId) → {port}, close}. */
function openShops({ url, operatorKey }) {
  const servers = [];
  const run = async (companyId, args, env, gone) => {
    const server = spawn(process.execPath, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    servers.push(server.once('exit', gone));
    await new Promise((started, failed) => server.stdout.once('data', started) && server.once('exit', failed));
  };
  return {
    open: shopServers({ url, operatorKey, origins: [url], kept: {}, keep: () => {}, run }),
    close: () => servers.forEach((server) => server.kill()),
  };
}

/** A company whose deliveries go to a running shop server. */
export async function openShop(trackMate) {
  const company = await trackMate.companies({ name: 'Shop' });
  const { open, close } = openShops(trackMate);
  return { ...company, ...(await open(company.companyId)), close };
}

export async function shopFromCartToDelivery({ browser, trackMate }) {
  const { companyId, adminKey } = await trackMate.companies({ name: 'Shop' });
  const shops = openShops(trackMate);
  const devPort = await freePort();
  const dev = await serveStartPage(devPort, { url: trackMate.url, companyId, adminKey, openShop: shops.open });
  const page = await visit(browser, trackMate.url, { path: `/shop/?company=${companyId}&devPort=${devPort}` });
  try {
    const email = 'sarah@example.com';
    const texts = (selector, attribute) =>
      page.locator(selector).evaluateAll((all, name) => all.map((one) => one.getAttribute(name)), attribute);
    await page.getByRole('link', { name: 'Wireless Headphones' }).click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await until(
      'the events of an unidentified visitor in the drawer',
      async () => (await texts('[data-event]', 'data-event')).join() === 'page_view,page_view,add_to_cart',
    );
    await page.getByRole('link', { name: 'Go on' }).click();
    await page.getByLabel('Name').fill('Sarah Johnson');
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('button', { name: 'Checkout' }).click();
    await page.getByRole('button', { name: 'Pay 79.99 USD' }).click();
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();

    await until(
      'the whole timeline in the drawer',
      async () => (await texts('[data-event]', 'data-event')).length === JOURNEY.length,
    );
    assert.deepEqual(await texts('[data-event]', 'data-event'), JOURNEY);
    assert.deepEqual(await texts('[data-sent]', 'data-sent'), JOURNEY.slice(-3).reverse());
    assert.equal(await page.locator('.event.browser').count(), 7);
    assert.equal(await page.locator('.event.webhook').count(), 3);
    assert.equal(await page.locator('[data-fact=revenue]').textContent(), '79.99 USD');
    assert.equal(await page.locator('[data-fact=sessions]').textContent(), '2 (1 browser, 1 server)');
    await until('a signed delivery of each server event', async () => {
      const delivered = await texts('[data-delivery]', 'data-delivery');
      return JOURNEY.slice(-3).every((name) => delivered.includes(name));
    });
    await looks(page, 'shop-paid');
    await page.goto(`${trackMate.url}/shop/`);
    await looks(page, 'shop-home');

    const other = await trackMate.companies({ name: 'Another shop' });
    await page.goto(`${trackMate.url}/shop/?company=${other.companyId}&devPort=${devPort}`);
    await page.getByText('Somebody without a name').waitFor();
    await until(
      'no event of the first company',
      async () => (await texts('[data-event]', 'data-event')).join() === 'page_view',
    );
    assert.deepEqual(page.said, []);

    await page.goto(`${trackMate.url}/shop/?company=TM-NOBODY1&devPort=${devPort}`);
    await page.getByRole('alert').getByText('no company has this id').waitFor();
    await looks(page, 'shop-unknown');
  } finally {
    await page.context().close();
    dev.closeAllConnections();
    dev.close();
    shops.close();
  }
}

export async function shopWithoutItsServer({ browser, trackMate }) {
  const { companyId } = await trackMate.companies({ name: 'Alone' });
  const page = await visit(browser, trackMate.url, {
    path: `/shop/?company=${companyId}&shopPort=${await freePort()}`,
  });
  await page.getByText('The shop server does not answer.').waitFor();
  assert.ok(await page.getByText('make dev').isVisible());
  await looks(page, 'shop-alone');
  await page.context().close();
}

/** On a host that is not localhost, like a deployment. */
export async function deploymentHasNoShop({ browser, trackMate }) {
  const context = await browser.newContext();
  const page = listen(await context.newPage());
  const host = 'http://trackmate.example';
  await page.route(`${host}/**`, async (route) =>
    route.fulfill({
      response: await route.fetch({
        url: route.request().url().replace(host, trackMate.url),
        headers: { ...route.request().headers(), host: 'trackmate.example' },
      }),
    }),
  );
  await page.goto(host);
  await looks(page, 'root');
  await page.getByRole('link', { name: 'Open the dashboard' }).click();
  await page.getByLabel('Admin key').waitFor();
  assert.equal(await page.locator('a[href*="shop"]').count(), 0);
  await page.goto(`${host}/shop/`);
  await page.getByText('It is for development').waitFor();
  await looks(page, 'shop-nowhere');
  assert.deepEqual(page.said, []);
  await page.goto(`${trackMate.url}/dashboard/`);
  assert.equal(await page.getByRole('link', { name: 'Demo shop' }).getAttribute('href'), '/shop/');
  await context.close();
}
