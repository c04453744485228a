// The settings pages. Each change is checked in the API.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCompany } from '../../support/people.mjs';
import { listen } from '../browser.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';
import { startSite } from './site.mjs';

async function stage(t, world, part) {
  const c = await newCompany(world.trackMate);
  const page = await openDashboard(world, c, `settings/${part}`);
  t.after(() => page.context().close());
  return { c, page, settings: async () => (await c.get('/api/admin/settings')).body.settings };
}

export async function changesTheCompany(world, t) {
  const { c, page, settings } = await stage(t, world, 'company');
  await page.getByLabel('Company name').fill('Sunny Shop');
  await page.getByRole('button', { name: 'Save the name' }).click();
  await page.locator('.company option', { hasText: 'Sunny Shop' }).waitFor({ state: 'attached' });

  await page.getByLabel('Allow all origins').uncheck();
  await page.getByLabel('Origins, one per line').fill('https://shop.example/path');
  await page.getByRole('button', { name: 'Save the origins' }).click();
  await page.getByRole('alert').getByText('allowedOrigins has at most').waitFor();
  await page.getByLabel('Origins, one per line').fill('https://shop.example\nhttp://localhost:3000\n');
  await page.getByRole('button', { name: 'Save the origins' }).click();
  await until('the origins', async () => (await settings()).allowedOrigins?.length === 2);
  assert.equal(
    (await c.events(c.session(), [{ eventType: 'x' }], {}, { origin: 'https://other.example' })).status,
    403,
  );

  await page.getByLabel('Events that count as revenue').fill('order_paid\npayment_processed');
  await page.getByRole('button', { name: 'Save the revenue events' }).click();
  await page.getByLabel('Keep events forever').uncheck();
  await page.getByLabel('Days that events are kept').fill('90');
  await page.getByText('cannot be restored').waitFor();
  await page.getByLabel('Days that finished deliveries are kept').fill('14');
  await takePictures(page, 'settings-company');
  await page.getByRole('button', { name: 'Save the retention' }).click();
  await until('all of it', async () => (await settings()).logRetentionDays === 14);
  const { name, allowedOrigins, revenueEvents, eventRetentionDays } = await settings();
  assert.deepEqual(
    [name, allowedOrigins, revenueEvents, eventRetentionDays],
    ['Sunny Shop', ['https://shop.example', 'http://localhost:3000'], ['order_paid', 'payment_processed'], 90],
  );
}

const IN = {
  node: [
    '.mjs',
    process.execPath,
    (file) => [
      '--input-type=module',
      '-e',
      `import { userHash } from ${JSON.stringify(`file://${file}`)}; console.log(userHash(process.argv[1]))`,
    ],
  ],
  python: [
    '.py',
    'python3',
    (file) => ['-c', `import runpy, sys; print(runpy.run_path(${JSON.stringify(file)})["user_hash"](sys.argv[1]))`],
  ],
  php: ['.php', 'php', (file) => ['-n', '-r', `require ${JSON.stringify(file)}; echo userHash($argv[1]);`]],
};

export async function verifiesIdentities(world, t) {
  const { c, page } = await stage(t, world, 'identity');
  await page.getByLabel('Proof of identity').selectOption('required');
  await page.getByText('Saving creates a secret and shows it once').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  const secret = await page.locator('.one-time-secret code').textContent();
  await takePictures(page, 'settings-identity');
  assert.equal((await c.tryIdentify(c.session(), 'ada@example.com')).body.code, 'identity_unproved');

  const folder = mkdtempSync(join(tmpdir(), 'proofs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  let hash = '';
  for (const [language, [ending, command, args]] of Object.entries(IN)) {
    await page.getByLabel('Language').selectOption(language);
    if (spawnSync(command, ['--version']).status !== 0) continue;
    const file = join(folder, `proof${ending}`);
    writeFileSync(file, await page.locator('.code pre').first().textContent());
    const { stdout, stderr } = spawnSync(command, [...args(file), ' Ada@example.com'], {
      env: { ...process.env, TRACKMATE_IDENTITY_SECRET: secret },
      encoding: 'utf8',
    });
    hash = stdout.trim();
    assert.equal(
      (await c.tryIdentify(c.session(), 'Ada@example.com', { userHash: hash })).status,
      200,
      `${language}: ${stderr}`,
    );
  }

  await page.getByRole('button', { name: 'Create a new secret' }).click();
  await page.getByText('no visitor can be identified').last().waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Create a new secret' }).click();
  await until('another secret', async () => (await page.locator('.one-time-secret code').textContent()) !== secret);
  assert.equal(
    (await c.tryIdentify(c.session(), 'ada@example.com', { userHash: hash })).body.code,
    'identity_unproved',
  );
  await page.reload();
  await page.getByText('A secret is set. It is not shown again').waitFor();
  assert.equal(await page.locator('.one-time-secret').count(), 0);
  assert.deepEqual(page.said, []);
}

export async function installsSnippets(world, t) {
  const { c, page } = await stage(t, world, 'install');
  const site = await startSite(t);
  const visit = async () => {
    site.html = await page.locator('.code pre').first().textContent();
    const visitor = listen(await (await world.browser.newContext()).newPage());
    t.after(() => visitor.context().close());
    await visitor.goto(`${site.url}/product`);
    return visitor;
  };
  const check = page.locator('[data-check]');
  const is = (state) => until(`the check is ${state}`, async () => (await check.getAttribute('data-check')) === state);
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('Waiting for the first event').waitFor();
  await takePictures(page, 'settings-install');

  for (const form of ['module', 'classic', 'async']) {
    await page.getByLabel('Form').selectOption(form);
    if (form !== 'module') await page.getByLabel('Pin the script').check();
    if (form === 'async') {
      await page.getByLabel('Track page views automatically').check();
      await page.getByLabel('Respect Do Not Track').check();
      await page.getByText('pageViews: true, respectDnt: true').waitFor();
    }
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Check now' }).click();
    await is('waiting');
    const visitor = await visit();
    await is('working');
    await page.getByText(`Events arrived from ${site.url}`).waitFor();
    assert.deepEqual(visitor.said, [], form);
  }
  assert.match(page.url(), /form=async&/);
  await takePictures(page, 'settings-installed');

  await c.call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'] }, c.admin);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Check now' }).click();
  await is('waiting');
  await visit();
  await is('refused');
  await page.getByText('origin_not_allowed').first().waitFor();
  assert.deepEqual(page.said, []);
}

export async function createsAndRevokesKeys(world, t) {
  const { c, page } = await stage(t, world, 'keys');
  await page.getByLabel('Name').fill('checkout');
  await page.getByRole('button', { name: 'Create a key' }).click();
  const key = await page.locator('.one-time-secret code').textContent();
  const send = () => c.tryServer({ eventType: 'match' }, { 'x-trackmate-api-key': key });
  assert.equal((await send()).status, 200);
  const row = page.locator('tbody tr').filter({ hasText: 'checkout' });
  await row.waitFor();
  assert.ok(!(await row.textContent()).includes(key));
  const own = page.locator('tbody tr').filter({ hasText: 'current session' });
  assert.equal(await own.getByRole('button').count(), 0, 'the current key cannot be revoked');
  await takePictures(page, 'settings-keys');
  await row.getByRole('button', { name: 'Revoke checkout' }).click();
  await page.getByText('will be rejected').waitFor();
  await takePictures(page, 'settings-revoke');
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await row.getByText(/^revoked/).waitFor();
  assert.equal((await send()).status, 401);
  assert.deepEqual(page.said, []);
}

export async function showsTheAuditLog(world, t) {
  const { c, page } = await stage(t, world, 'audit');
  await page.getByText('No entries').or(page.locator('tbody tr')).first().waitFor();
  const webhook = await c.subscribe('https://crm.example/hook', ['match']);
  for (let number = 0; number < 55; number += 1)
    await c.call('PATCH', `/api/admin/webhooks/${webhook.id}`, { description: `${number}` }, c.admin);
  await c.call('PATCH', '/api/admin/settings', { logRetentionDays: 0 }, c.admin);
  await page.reload();
  const rows = page.locator('tbody tr');
  await rows.filter({ hasText: 'settings changed' }).getByText('invalid_field').waitFor();
  assert.equal(await rows.count(), 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('more', async () => (await rows.count()) > 50);
  await takePictures(page, 'settings-audit');
  await page.getByLabel('Action').selectOption('webhook.create');
  await until('one', async () => (await rows.count()) === 1);
  assert.match(page.url(), /action=webhook.create/);
  await rows.getByRole('link', { name: webhook.id }).waitFor();
  await page.getByLabel('Until (inclusive)').fill('2020-01-01');
  await page.getByText('No entry matches these filters').waitFor();
  assert.deepEqual(page.said, []);
}
