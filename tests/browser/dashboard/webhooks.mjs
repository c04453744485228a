// Webhooks: creating, testing, receiver code, secrets, deleting.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCompany } from '../../support/people.mjs';
import { isSigned, isStandardSigned } from '../../support/receiver.mjs';
import { freePort } from '../../support/wrangler.mjs';
import { takePictures, until } from './viewer.mjs';
import { openPage, stage } from './webhook-stage.mjs';

const shownSecret = (page) => page.locator('.one-time-secret code').first().textContent();

export async function addsAWebhook(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const page = await openPage(t, world, c, 'webhooks');
  await page.getByText('No webhooks yet').waitFor();
  await takePictures(page, 'webhooks-empty');
  await page.getByRole('link', { name: 'Add a webhook' }).click();

  await page.getByLabel('Name', { exact: true }).fill('CRM in Oslo');
  await page.getByLabel('URL').fill(url);
  const catalogue = page.getByRole('region', { name: 'Event catalog' });
  await catalogue.getByText('booking.*').click();
  assert.ok(
    await catalogue.getByRole('checkbox', { name: 'booking.cancelled' }).isDisabled(),
    'the family includes it already',
  );
  await page.getByLabel('Search').fill('payment');
  await catalogue.getByText('payment_processed').click();
  await page.getByLabel('Another name').fill('match');
  await page.getByLabel('Another name').press('Enter');
  await page.getByRole('button', { name: 'Add a header' }).click();
  await page.getByLabel('Header', { exact: true }).fill('X-Api-Token');
  await page.getByLabel('Value', { exact: true }).fill('t0ken-of-the-crm');
  const policy = page.getByLabel('Retry policy');
  for (const [preset, sets] of [
    ['standard', '10 attempts over 75 hours'],
    ['funnel', 'after 1 s, and 2 s later'],
    ['crm', 'after 60 s, and 120 s later'],
    ['custom', '3 attempts: at once'],
  ]) {
    await policy.selectOption(preset);
    await page.getByText(sets).waitFor();
  }
  await page.getByLabel('Seconds before the second attempt').fill('1');
  await page.getByLabel('Maximum deliveries per second').fill('50');
  await takePictures(page, 'webhook-new');
  await page.getByRole('button', { name: 'Add the webhook' }).click();

  await page.getByRole('heading', { name: 'CRM in Oslo is ready' }).waitFor();
  const secret = await shownSecret(page);
  assert.match(secret, /^whsec_/);
  const [{ id, ...webhook }] = (await c.get('/api/admin/webhooks')).body.webhooks;
  assert.deepEqual(
    [
      webhook.name,
      webhook.url,
      webhook.events,
      Object.keys(webhook.headers),
      webhook.preset,
      webhook.retryAttempts,
      webhook.retryDelay,
      webhook.rateLimit,
    ],
    ['CRM in Oslo', url, ['booking.*', 'payment_processed', 'match'], ['x-api-token'], null, 3, 1, 50],
  );

  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('[data-test=delivered]').waitFor();
  const [test] = receiver.requests;
  assert.deepEqual(
    [test.json.event, test.headers['x-api-token'], isSigned(test, secret), isStandardSigned(test, secret)],
    ['webhook.test', 't0ken-of-the-crm', true, true],
  );
  await page.getByText('x-api-token: ***').waitFor();
  await page.getByText(`webhook-id: ${test.headers['webhook-id']}`).waitFor();
  await takePictures(page, 'webhook-made');

  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await page.getByText('No deliveries yet').waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByText('stored value').waitFor();
  assert.ok(
    !(await page.content()).includes('t0ken-of-the-crm') && !(await page.content()).includes(secret),
    'no secret is shown again',
  );
  await page.getByRole('button', { name: 'Remove x-api-token' }).click();
  await page.getByLabel('Description').fill('Told of bookings.');
  await page.getByRole('button', { name: 'Remove match' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await until(
    'the change',
    async () => (await c.get(`/api/admin/webhooks/${id}`)).body.webhook.description === 'Told of bookings.',
  );
  const changed = (await c.get(`/api/admin/webhooks/${id}`)).body.webhook;
  assert.deepEqual(
    [changed.headers, changed.events, changed.retryDelay, changed.rateLimit],
    [{}, ['booking.*', 'payment_processed'], 1, 50],
  );
  assert.deepEqual(page.said, []);
}

const LANGUAGES = [
  ['node', process.execPath, (file) => [file]],
  ['python', 'python3', (file) => [file]],
  ['php', 'php', (file, port) => ['-S', `127.0.0.1:${port}`, file]],
];

/**
 * Runs the receiver code that the page shows, with its own variable, and sends it a test delivery.
 */
export async function showsWorkingReceivers(world, t) {
  const c = await newCompany(world.trackMate);
  const folder = mkdtempSync(join(tmpdir(), 'receivers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const port = await freePort();
  const page = await openPage(t, world, c, 'webhooks/new');
  await page.getByLabel('Name', { exact: true }).fill('Crêpes & Co');
  await page.getByLabel('URL').fill(`http://127.0.0.1:${port}/hooks/trackmate`);
  await page.getByText('all events, including future ones').click();
  await page.getByRole('button', { name: 'Add the webhook' }).click();
  const secret = await shownSecret(page);
  await page.getByText('/hooks/trackmate', { exact: true }).waitFor();

  for (const [language, command, args] of LANGUAGES) {
    await page.getByLabel('Language').selectOption(language);
    const file = await page.getByRole('heading', { name: /^receiver\./ }).textContent();
    const [exported, code] = await Promise.all([
      page.locator('.code pre').nth(0).textContent(),
      page.locator('.code pre').nth(1).textContent(),
    ]);
    const [, variable, value] = /^export PORT=3000 (\w+)='(.+)'$/m.exec(exported);
    assert.deepEqual([variable, value], ['CREPES_CO_WEBHOOK_SECRET', secret]);
    if (spawnSync(command, ['--version']).status !== 0) continue;
    writeFileSync(join(folder, file), code);
    const child = spawn(command, args(join(folder, file), port), {
      env: { ...process.env, WEBHOOK_SECRET: '', PORT: String(port), [variable]: value },
      stdio: 'ignore',
    });
    try {
      await until(`${command} answers`, () =>
        fetch(`http://127.0.0.1:${port}/`).then(
          () => true,
          () => false,
        ),
      );
      await page.getByRole('button', { name: 'Send a test' }).click();
      await page.locator('[data-test=delivered]').getByText('"received": true').waitFor();
    } finally {
      child.kill('SIGKILL');
    }
    await until('the port is free', () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => false,
        () => true,
      ),
    );
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.locator('[data-test=failed]').waitFor();
  }
  await takePictures(page, 'webhook-receiver');
}

export async function rotatesAndDeletes(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const webhook = await c.subscribe(url, ['match'], { name: 'Old' });
  const page = await openPage(t, world, c, `webhooks/${webhook.id}/secret`);
  await page.getByLabel('Hours during which the old secret also signs').fill('2');
  await page.getByRole('button', { name: 'Create a new secret' }).click();
  await page.getByText('The old secret also signs until').waitFor();
  const secret = await shownSecret(page);
  await takePictures(page, 'webhook-secret');
  await c.server(undefined, 'match');
  const delivery = await until('a delivery', () => receiver.requests[0]);
  assert.ok(isSigned(delivery, secret) && secret !== webhook.secret);
  assert.equal(delivery.headers['webhook-signature'].split(' ').length, 2);

  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('button', { name: 'Delete this webhook' }).click();
  await page.getByText('This cannot be undone').waitFor();
  await takePictures(page, 'webhook-delete');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No webhooks yet').waitFor();
  assert.deepEqual((await c.get('/api/admin/webhooks')).body.webhooks, []);
  assert.deepEqual(page.said, []);
}
