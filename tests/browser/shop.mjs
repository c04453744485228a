// The demo shop and the dashboard as a person uses them, with the shop's own server beside the real Worker.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until, visit } from './browser.mjs';
import { looks } from './dashboard/desk.mjs';

const SERVER = fileURLToPath(new URL('../../examples/shop-server/server.mjs', import.meta.url));
const JOURNEY = ['page_view', 'page_view', 'add_to_cart', 'page_view', 'user_registered', 'page_view', 'checkout_started', 'payment_processed', 'order_shipped', 'email_delivered'];

async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** A company whose deliveries go to a running shop server. */
export async function openShop(trackMate) {
  const company = await trackMate.companies({ name: 'Shop' });
  const port = await freePort();
  const response = await fetch(`${trackMate.url}/api/admin/webhooks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Admin-ID': company.adminKey },
    body: JSON.stringify({ name: 'Shop', url: `http://127.0.0.1:${port}/webhooks/trackmate`, events: ['*'] }),
  });
  const subscribed = await response.json();
  const secret = subscribed.secret ?? subscribed.webhook?.secret;
  assert.ok(secret, `the subscription's secret is in the answer: ${JSON.stringify(subscribed)}`);
  const env = {
    PORT: String(port),
    TRACKMATE_URL: trackMate.url,
    TRACKMATE_API_KEY: company.serverKey,
    TRACKMATE_ADMIN_KEY: company.adminKey,
    COMPANY_ID: company.companyId,
    WEBHOOK_SECRET: secret,
    ALLOWED_ORIGIN: trackMate.url,
  };
  const server = spawn(process.execPath, [SERVER], { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((started, failed) => server.stdout.once('data', started) && server.once('exit', failed));
  return { ...company, port, close: () => server.kill() };
}

export async function shopFromCartToDelivery({ browser, trackMate }) {
  const shop = await openShop(trackMate);
  const page = await visit(browser, trackMate.url, { path: `/?company=${shop.companyId}&shopPort=${shop.port}` });
  try {
    const email = 'sarah@example.com';
    const texts = (selector, attribute) => page.locator(selector).evaluateAll((all, name) => all.map((one) => one.getAttribute(name)), attribute);
    await page.getByRole('link', { name: 'Wireless Headphones' }).click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await until('the drawer fills before anybody is known', async () => (await texts('[data-event]', 'data-event')).join() === 'page_view,page_view,add_to_cart');
    await page.getByRole('link', { name: 'Go on' }).click();
    await page.getByLabel('Name').fill('Sarah Johnson');
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('button', { name: 'Checkout' }).click();
    await page.getByRole('button', { name: 'Pay 79.99 USD' }).click();
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();

    await until('the whole timeline in the drawer', async () => (await texts('[data-event]', 'data-event')).length === JOURNEY.length);
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
    await page.goto(trackMate.url);
    await looks(page, 'shop-home');
    assert.deepEqual(page.said, []);
  } finally {
    await page.context().close();
    shop.close();
  }
}

export async function shopWithoutItsServer({ browser, trackMate }) {
  const { companyId } = await trackMate.companies({ name: 'Alone' });
  const page = await visit(browser, trackMate.url, { path: `/?company=${companyId}&shopPort=${await freePort()}` });
  await page.getByText('The shop server does not answer.').waitFor();
  assert.ok(await page.getByText('make dev').isVisible());
  await looks(page, 'shop-alone');
  await page.context().close();
}
