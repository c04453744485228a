// Deliveries of a webhook: attempts, resending, held ones, recovery, and the switch of all
// webhooks.
import assert from 'node:assert/strict';
import { takePictures, until } from './viewer.mjs';
import { openPage, stage } from './webhook-stage.mjs';

const manyEvents = (count, name = 'match') =>
  Array.from({ length: count }, (_, number) => ({ eventType: name, eventData: { number } }));

export async function showsEachDelivery(world, t) {
  let failing = true;
  const { c, receiver, url } = await stage(t, world, () =>
    failing
      ? { status: 503, body: 'not now' }
      : { status: 200, headers: { 'content-type': 'application/json' }, body: '{"taken":true}' },
  );
  const webhook = await c.subscribe(url, ['match'], { retryAttempts: 2, name: 'Watched' });
  await c.server(undefined, 'match', { eventData: { best_model: 'frame.glb' } });
  await until('the first attempt', () => receiver.requests.length === 1);
  failing = false;
  const page = await openPage(t, world, c, `webhooks/${webhook.id}`);
  // The page reloads pending deliveries by itself.
  const row = page.locator('details.delivery').first();
  await row.getByText('delivered').waitFor();
  await row.locator('summary').click();
  await row.locator('[data-attempt="2"]').getByText('"taken": true').waitFor();
  await row.locator('[data-attempt="1"]').getByText('not now').waitFor();
  await row.getByText('"best_model": "frame.glb"').waitFor();
  await takePictures(page, 'webhook-delivery');
  const receipt = await row.locator('[data-fact="Message id"] a').getAttribute('href');

  await row.getByRole('button', { name: 'Resend' }).click();
  const again = await until('the resent delivery', () => receiver.requests[2]);
  assert.deepEqual(
    [again.headers['webhook-id'], String(again.body)],
    [receiver.requests[0].headers['webhook-id'], String(receiver.requests[0].body)],
  );

  await c.tryServer({ events: manyEvents(60) });
  await until('all of them', () => receiver.requests.length === 63);
  await until(
    'all are logged',
    async () => (await c.get(`/api/admin/webhooks/${webhook.id}`)).body.webhook.stats.success === 62,
  );
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

export async function recoversAPeriod(world, t) {
  const { c, receiver, url } = await stage(t, world);
  const webhook = await c.subscribe(url, ['match'], { name: 'Paused' });
  const page = await openPage(t, world, c, `webhooks/${webhook.id}`);
  await page.getByRole('button', { name: 'Switch off Paused' }).click();
  await page.getByRole('button', { name: 'Switch on Paused' }).waitFor();
  for (const count of [500, 120]) assert.equal((await c.tryServer({ events: manyEvents(count) })).body.accepted, count);
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.locator('[data-fact=Held]').getByText('620').waitFor();
  await page.getByRole('button', { name: 'Switch on Paused' }).click();
  await page.getByText('620 deliveries were held').waitFor();
  await takePictures(page, 'webhook-held');
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
  await takePictures(page, 'webhook-recovered');
  await until(
    'all arrive',
    async () => {
      await world.trackMate.sweep();
      return new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size === 620;
    },
    60_000,
  );
  assert.deepEqual(page.said, []);
}

export async function switchesAllWebhooks(world, t) {
  let status = 200;
  const { c, receiver, url } = await stage(t, world, () => status);
  const one = await c.subscribe(url, ['match'], { name: 'One' });
  const gone = await c.subscribe(url, ['upload'], { name: 'Gone' });
  const page = await openPage(t, world, c, 'webhooks');
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
  assert.deepEqual(
    receiver.requests.map(({ json }) => json.data.number),
    [1, 3],
  );
  assert.equal((await state(one.id)).active, true);

  status = 410;
  await c.server(undefined, 'upload');
  await until('it is switched off', async () => !(await state(gone.id)).active);
  await page.reload();
  await page.locator(`[data-key="${gone.id}"]`).getByText('the receiver answered 410: it is gone').waitFor();
  await takePictures(page, 'webhooks');
  assert.deepEqual(page.said, []);
}
