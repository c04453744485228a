// Webhooks, as a developer sets one up and an operator looks after it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCompany } from '../../support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from '../../support/receiver.mjs';
import { freePort } from '../../support/wrangler.mjs';
import { desk, looks, until } from './desk.mjs';

const names = (count, name = 'match') => Array.from({ length: count }, (_, number) => ({ eventType: name, eventData: { number } }));

/** A company and a receiver, put away at the end. */
async function stage(t, { trackMate }, answer) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver(answer);
  t.after(receiver.close);
  return { c, receiver, url: `${receiver.url}/hook` };
}

async function at(t, world, c, place) {
  const page = await desk(world, c, place);
  t.after(() => page.context().close());
  return page;
}

const shownSecret = (page) => page.locator('.one-time-secret code').first().textContent();

export async function addsAWebhook(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const page = await at(t, world, c, 'webhooks');
  await page.getByText('No webhooks yet').waitFor();
  await looks(page, 'webhooks-empty');
  await page.getByRole('link', { name: 'Add a webhook' }).click();

  await page.getByLabel('Name', { exact: true }).fill('CRM in Oslo');
  await page.getByLabel('URL').fill(url);
  const catalogue = page.getByRole('region', { name: 'Event catalog' });
  await catalogue.getByText('booking.*').click();
  assert.ok(await catalogue.getByRole('checkbox', { name: 'booking.cancelled' }).isDisabled(), 'the family takes it already');
  await page.getByLabel('Search').fill('payment');
  await catalogue.getByText('payment_processed').click();
  await page.getByLabel('Another name').fill('match');
  await page.getByLabel('Another name').press('Enter');
  await page.getByRole('button', { name: 'Add a header' }).click();
  await page.getByLabel('Header', { exact: true }).fill('X-Api-Token');
  await page.getByLabel('Value', { exact: true }).fill('t0ken-of-the-crm');
  const policy = page.getByLabel('Retry policy');
  for (const [preset, sets] of [['standard', '10 attempts over 75 hours'], ['funnel', 'after 1 s, and 2 s later'], ['crm', 'after 60 s, and 120 s later'], ['custom', '3 attempts: at once']]) {
    await policy.selectOption(preset);
    await page.getByText(sets).waitFor();
  }
  await page.getByLabel('Seconds before the second attempt').fill('1');
  await page.getByLabel('Maximum deliveries per second').fill('50');
  await looks(page, 'webhook-new');
  await page.getByRole('button', { name: 'Add the webhook' }).click();

  await page.getByRole('heading', { name: 'CRM in Oslo is ready' }).waitFor();
  const secret = await shownSecret(page);
  assert.match(secret, /^whsec_/);
  const [{ id, ...webhook }] = (await c.get('/api/admin/webhooks')).body.webhooks;
  assert.deepEqual(
    [webhook.name, webhook.url, webhook.events, Object.keys(webhook.headers), webhook.preset, webhook.retryAttempts, webhook.retryDelay, webhook.rateLimit],
    ['CRM in Oslo', url, ['booking.*', 'payment_processed', 'match'], ['x-api-token'], null, 3, 1, 50],
  );

  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('[data-test=delivered]').waitFor();
  const [test] = receiver.requests;
  assert.deepEqual([test.json.event, test.headers['x-api-token'], isSigned(test, secret), isStandardSigned(test, secret)], ['webhook.test', 't0ken-of-the-crm', true, true]);
  await page.getByText('x-api-token: ***').waitFor();
  await page.getByText(`webhook-id: ${test.headers['webhook-id']}`).waitFor();
  await looks(page, 'webhook-made');

  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await page.getByText('No deliveries yet').waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByText('stored value').waitFor();
  assert.ok(!(await page.content()).includes('t0ken-of-the-crm') && !(await page.content()).includes(secret), 'nothing secret is shown again');
  await page.getByRole('button', { name: 'Remove x-api-token' }).click();
  await page.getByLabel('Description').fill('Told of bookings.');
  await page.getByRole('button', { name: 'Remove match' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await until('the change', async () => (await c.get(`/api/admin/webhooks/${id}`)).body.webhook.description === 'Told of bookings.');
  const changed = (await c.get(`/api/admin/webhooks/${id}`)).body.webhook;
  assert.deepEqual([changed.headers, changed.events, changed.retryDelay, changed.rateLimit], [{}, ['booking.*', 'payment_processed'], 1, 50]);
  assert.deepEqual(page.said, []);
}

const LANGUAGES = [
  ['node', process.execPath, (file) => [file]],
  ['python', 'python3', (file) => [file]],
  ['php', 'php', (file, port) => ['-S', `127.0.0.1:${port}`, file]],
];

/** What the page shows is what runs: the code is taken from it, run with the variable it names, and takes the page's own test. */
export async function showsReceiversThatWork(world, t) {
  const c = await newCompany(world.trackMate);
  const folder = mkdtempSync(join(tmpdir(), 'receivers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const port = await freePort();
  const page = await at(t, world, c, 'webhooks/new');
  await page.getByLabel('Name', { exact: true }).fill('Crêpes & Co');
  await page.getByLabel('URL').fill(`http://127.0.0.1:${port}/hooks/trackmate`);
  await page.getByText('all events, including future ones').click();
  await page.getByRole('button', { name: 'Add the webhook' }).click();
  const secret = await shownSecret(page);
  await page.getByText('/hooks/trackmate', { exact: true }).waitFor();

  for (const [language, command, args] of LANGUAGES) {
    await page.getByLabel('Language').selectOption(language);
    const file = await page.getByRole('heading', { name: /^receiver\./ }).textContent();
    const [exported, code] = await Promise.all([page.locator('.code pre').nth(0).textContent(), page.locator('.code pre').nth(1).textContent()]);
    const [, variable, value] = /^export PORT=3000 (\w+)='(.+)'$/m.exec(exported);
    assert.deepEqual([variable, value], ['CREPES_CO_WEBHOOK_SECRET', secret]);
    if (spawnSync(command, ['--version']).status !== 0) continue;
    writeFileSync(join(folder, file), code);
    const child = spawn(command, args(join(folder, file), port), { env: { ...process.env, WEBHOOK_SECRET: '', PORT: String(port), [variable]: value }, stdio: 'ignore' });
    try {
      await until(`${command} answers`, () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false));
      await page.getByRole('button', { name: 'Send a test' }).click();
      await page.locator('[data-test=delivered]').getByText('"received": true').waitFor();
    } finally {
      child.kill('SIGKILL');
    }
    await until('the port is free', () => fetch(`http://127.0.0.1:${port}/`).then(() => false, () => true));
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.locator('[data-test=failed]').waitFor();
  }
  await looks(page, 'webhook-receiver');
}

export async function showsEachDelivery(world, t) {
  let failing = true;
  const { c, receiver, url } = await stage(t, world, () => (failing ? { status: 503, body: 'not now' } : { status: 200, headers: { 'content-type': 'application/json' }, body: '{"taken":true}' }));
  const webhook = await c.subscribe(url, ['match'], { retryAttempts: 2, name: 'Watched' });
  await c.server(undefined, 'match', { eventData: { best_model: 'frame.glb' } });
  await until('the first attempt', () => receiver.requests.length === 1);
  failing = false;
  const page = await at(t, world, c, `webhooks/${webhook.id}`);
  // Nobody reloads: what is under way is followed.
  const row = page.locator('details.delivery').first();
  await row.getByText('delivered').waitFor();
  await row.locator('summary').click();
  await row.locator('[data-attempt="2"]').getByText('"taken": true').waitFor();
  await row.locator('[data-attempt="1"]').getByText('not now').waitFor();
  await row.getByText('"best_model": "frame.glb"').waitFor();
  await looks(page, 'webhook-delivery');
  const receipt = await row.locator('[data-fact="Message id"] a').getAttribute('href');

  await row.getByRole('button', { name: 'Resend' }).click();
  const again = await until('the same once more', () => receiver.requests[2]);
  assert.deepEqual([again.headers['webhook-id'], String(again.body)], [receiver.requests[0].headers['webhook-id'], String(receiver.requests[0].body)]);

  await c.tryServer({ events: names(60) });
  await until('all of them', () => receiver.requests.length === 63);
  await until('all are noted', async () => (await c.get(`/api/admin/webhooks/${webhook.id}`)).body.webhook.stats.success === 62);
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.locator('[data-fact=Delivered]').getByText('62').waitFor();
  await until('a page of them', async () => (await page.locator('details.delivery').count()) === 25);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('two pages', async () => (await page.locator('details.delivery').count()) === 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('all', async () => (await page.locator('details.delivery').count()) === 61);
  assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);

  await page.getByLabel('Status').selectOption('exhausted');
  await page.getByText('No delivery has this status').waitFor();
  assert.match(page.url(), /status=exhausted/);
  await page.evaluate((hash) => (location.hash = hash), receipt);
  await page.getByText('"best_model": "frame.glb"').first().waitFor();
  assert.deepEqual(page.said, []);
}

export async function recoversAWindow(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const webhook = await c.subscribe(url, ['match'], { name: 'Paused' });
  const page = await at(t, world, c, `webhooks/${webhook.id}`);
  await page.getByRole('button', { name: 'Switch off Paused' }).click();
  await page.getByRole('button', { name: 'Switch on Paused' }).waitFor();
  for (const count of [500, 120]) assert.equal((await c.tryServer({ events: names(count) })).body.accepted, count);
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.locator('[data-fact=Held]').getByText('620').waitFor();
  await page.getByRole('button', { name: 'Switch on Paused' }).click();
  await page.getByText('620 deliveries were held').waitFor();
  await looks(page, 'webhook-held');
  await page.getByRole('button', { name: 'dismiss them' }).click();
  const held = async () => (await c.get(`/api/admin/webhooks/${webhook.id}`)).body.webhook.stats.held;
  await until('all are dismissed', async () => {
    await world.trackMate.sweep();
    return (await held()) === 0;
  });
  assert.equal(receiver.requests.length, 0);

  await page.getByRole('button', { name: 'Recover…' }).click();
  await page.getByLabel('Status').last().selectOption('dismissed');
  const calls = [];
  page.on('request', (request) => request.url().endsWith('/recover') && calls.push(request.postDataJSON()));
  await page.getByRole('button', { name: 'Recover', exact: true }).click();
  await page.locator('[data-recovered="620"]').waitFor();
  assert.deepEqual([calls.length, calls[0].cursor, typeof calls[1].cursor], [2, undefined, 'string']);
  await looks(page, 'webhook-recovered');
  await until('all arrive', async () => {
    await world.trackMate.sweep();
    return new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size === 620;
  }, 60_000);
  assert.deepEqual(page.said, []);
}

export async function switchesAllAndSaysWhy(world, t) {
  let status = 200;
  const { c, receiver, url } = await stage(t, world, () => status);
  const one = await c.subscribe(url, ['match'], { name: 'One' });
  const gone = await c.subscribe(url, ['upload'], { name: 'Gone' });
  const page = await at(t, world, c, 'webhooks');
  const state = async (id) => (await c.get(`/api/admin/webhooks/${id}`)).body.webhook;
  await page.getByRole('button', { name: 'Switch all off' }).click();
  await page.getByText('All webhooks are off').first().waitFor();
  const held = (count) => until(`${count} held`, async () => (await state(one.id)).stats.held === count);
  const reload = async () => {
    await page.reload();
    await page.getByRole('button', { name: 'Switch all on' }).click();
  };
  await c.server(undefined, 'match', { eventData: { number: 1 } });
  await held(1);
  await reload();
  await page.getByRole('button', { name: 'Switch on and send them' }).click();
  await until('what was held arrives', () => receiver.requests.length === 1);

  await page.getByRole('button', { name: 'Switch all off' }).click();
  await page.getByText('All webhooks are off').first().waitFor();
  await c.server(undefined, 'match', { eventData: { number: 2 } });
  await held(1);
  await reload();
  await page.getByRole('button', { name: 'dismiss them' }).click();
  await page.getByRole('button', { name: 'Switch all off' }).waitFor();
  await until('nothing is held', async () => {
    await world.trackMate.sweep();
    return (await state(one.id)).stats.held === 0;
  });
  await c.server(undefined, 'match', { eventData: { number: 3 } });
  await until('the next one arrives', () => receiver.requests.length === 2);
  assert.deepEqual(receiver.requests.map(({ json }) => json.data.number), [1, 3]);
  assert.equal((await state(one.id)).active, true);

  status = 410;
  await c.server(undefined, 'upload');
  await until('it is switched off', async () => !(await state(gone.id)).active);
  await page.reload();
  await page.locator(`[data-key="${gone.id}"]`).getByText('the receiver answered 410: it is gone').waitFor();
  await looks(page, 'webhooks');
  assert.deepEqual(page.said, []);
}

export async function rotatesAndDeletes(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const webhook = await c.subscribe(url, ['match'], { name: 'Old' });
  const page = await at(t, world, c, `webhooks/${webhook.id}/secret`);
  await page.getByLabel('Hours during which the old secret also signs').fill('2');
  await page.getByRole('button', { name: 'Create a new secret' }).click();
  await page.getByText('The old secret also signs until').waitFor();
  const secret = await shownSecret(page);
  await looks(page, 'webhook-secret');
  await c.server(undefined, 'match');
  const delivery = await until('a delivery', () => receiver.requests[0]);
  assert.ok(isSigned(delivery, secret) && secret !== webhook.secret);
  assert.equal(delivery.headers['webhook-signature'].split(' ').length, 2);

  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('button', { name: 'Delete this webhook' }).click();
  await page.getByText('This cannot be undone').waitFor();
  await looks(page, 'webhook-delete');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No webhooks yet').waitFor();
  assert.deepEqual((await c.get('/api/admin/webhooks')).body.webhooks, []);
  assert.deepEqual(page.said, []);
}
