// The dashboard by keyboard alone: creates, tests and manages a webhook without a mouse. The focus
// is always visible.
import assert from 'node:assert/strict';
import { newCompany } from '../../support/people.mjs';
import { startReceiver } from '../../support/receiver.mjs';
import { listen } from '../browser.mjs';
import { openDashboard, until } from './viewer.mjs';

/** More tab stops than any page has. */
const STEPS_MAX = 120;

/** The focused element: its tag, its name, and whether its focus is visible. */
const focused = (page) =>
  page.evaluate(() => {
    const it = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(it.matches('.entry .what') ? it.closest('.entry') : it);
    const box = it.getBoundingClientRect();
    const label = it.labels?.[0]?.textContent ?? it.getAttribute('aria-label') ?? it.textContent ?? '';
    return {
      tag: it.tagName,
      name: label.replaceAll(/\s+/g, ' ').trim(),
      seen: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 && box.width > 0 && box.height > 0 && box.right > 0,
    };
  });

/**
 * Presses Tab until the element with this name has the focus. The focus must be visible on the way.
 */
async function tabTo(page, name, key = 'Tab') {
  const met = [];
  for (let step = 0; step < STEPS_MAX; step += 1) {
    await page.keyboard.press(key);
    const at = await focused(page);
    if (at.tag === 'BODY') continue;
    assert.ok(at.seen, `the focus on ${at.tag} “${at.name}” shows`);
    if (name instanceof RegExp ? name.test(at.name) : at.name === name) return;
    met.push(at.name.slice(0, 40));
  }
  assert.fail(`${name} is not reached by ${key}: ${met.join(', ')}`);
}

/** Waits until the element with this name has the focus. */
async function has(page, name, tag = '') {
  let now;
  await until(
    () => `${name} has the focus, and not ${JSON.stringify(now)}`,
    async () => ((now = await focused(page)), now.name === name && now.tag.startsWith(tag)),
  );
}
const titled = (page, title) => until(`the tab is called ${title}`, async () => (await page.title()) === title);
const heading = (page, name) => has(page, name, 'H1');

export async function managesAWebhookByKeyboard({ browser, trackMate }, t) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver();
  t.after(receiver.close);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  t.after(() => context.close());
  const page = listen(await context.newPage());
  const { keyboard } = page;

  await page.goto(`${trackMate.url}/dashboard/#/${c.companyId}/live`);
  await page.getByLabel('Admin key').waitFor();
  await tabTo(page, 'Admin key');
  await keyboard.type(c.adminKey);
  await keyboard.press('Enter');
  await heading(page, 'Live');

  // The first tab stop of a page skips the menu.
  await page.evaluate(() => document.activeElement.blur());
  await page.reload();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await keyboard.press('Tab');
  assert.deepEqual(await focused(page), { tag: 'A', name: 'Skip to the page', seen: true });
  await keyboard.press('Enter');
  assert.equal((await focused(page)).tag, 'MAIN');
  await tabTo(page, 'Webhooks', 'Shift+Tab');
  await keyboard.press('Enter');
  await heading(page, 'Webhooks');
  await titled(page, 'Webhooks · TrackMate');

  await tabTo(page, 'Add a webhook');
  await keyboard.press('Enter');
  await heading(page, 'Add a webhook');
  await tabTo(page, 'Name');
  await keyboard.type('By hand');
  await tabTo(page, 'URL');
  await keyboard.type(`${receiver.url}/hook`);
  await tabTo(page, 'Another name');
  await keyboard.type('match');
  await keyboard.press('Enter');
  await tabTo(page, 'Add the webhook');
  await keyboard.press('Enter');
  await heading(page, 'By hand is ready');
  await tabTo(page, 'Send a test');
  await keyboard.press('Enter');
  await page.locator('[data-test=delivered]').waitFor();
  await has(page, 'Send a test');
  assert.equal(receiver.requests[0].json.event, 'webhook.test');

  await c.server(undefined, 'match', { eventData: { number: 1 } });
  await until('the delivery', () => receiver.requests.length === 2);
  await tabTo(page, 'Go to the webhook', 'Shift+Tab');
  await keyboard.press('Enter');
  await heading(page, 'By hand');
  await titled(page, 'By hand · Webhooks · TrackMate');
  await page.locator('.delivery', { hasText: 'delivered' }).waitFor();
  await tabTo(page, /^delivered ?match/);
  await keyboard.press('Enter');
  await page.getByText('"number": 1').waitFor();
  await tabTo(page, 'Resend');
  await keyboard.press('Enter');
  await until('it comes again', () => receiver.requests.length === 3);
  await until(
    'its log says so',
    async () => (await c.deliveries((await c.get('/api/admin/webhooks')).body.webhooks[0].id))[0].attempts.length === 2,
  );

  // A dialog focuses its first field, keeps the focus, and restores it, however it is closed.
  await tabTo(page, 'Recover…', 'Shift+Tab');
  for (const leave of [
    () => keyboard.press('Escape'),
    async () => (await tabTo(page, 'Close', 'Shift+Tab'), keyboard.press('Enter')),
  ]) {
    await keyboard.press('Enter');
    await has(page, 'Since');
    for (let step = 0; step < 15; step += 1) {
      await keyboard.press('Tab');
      assert.ok(
        await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog')),
        'the focus stays in the dialog',
      );
    }
    await leave();
    await page.locator('dialog').waitFor({ state: 'detached' });
    await has(page, 'Recover…');
  }
  assert.deepEqual(page.said, []);
}

export async function opensAnEventByKeyboard(world, t) {
  const c = await newCompany(world.trackMate);
  const page = await openDashboard(world, c);
  t.after(() => page.context().close());
  await page.getByText('Listening', { exact: false }).first().waitFor();
  const session = c.session();
  await c.track(session, { eventType: 'page_view' }, { eventType: 'scrolled', messageId: 'scrolled-1' });
  const row = page.getByRole('listitem').filter({ hasText: 'scrolled' });
  await row.getByText('No person yet').waitFor();
  await tabTo(page, 'scrolled');
  await page.keyboard.press('Enter');
  await until('the event panel has the focus', async () => (await focused(page)).tag === 'H2');
  await page.keyboard.press('Escape');
  // Wait for this, since the panel's heading has the same name as the row.
  await page.getByRole('complementary').waitFor({ state: 'detached' });
  await has(page, 'scrolled');

  // A later identify also gives the earlier events of the session to the person, in the list too.
  await c.identify(session, 'ada@example.com', { name: 'Ada Lovelace' });
  await row.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  await has(page, 'scrolled');

  await tabTo(page, 'Ada Lovelace');
  await page.keyboard.press('Enter');
  await heading(page, 'Ada Lovelace');
  // The browser's history must not contain names of people.
  await titled(page, 'Person · TrackMate');
  await tabTo(page, 'Erase…');
  await page.keyboard.press('Enter');
  await has(page, 'Type ada@example.com to confirm');
  await tabTo(page, 'Cancel');
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await has(page, 'Erase…');
  await page.keyboard.press('Enter');
  await has(page, 'Type ada@example.com to confirm');
  await page.keyboard.type('ada@example.com');
  await tabTo(page, 'Erase permanently');
  await page.keyboard.press('Enter');
  await heading(page, 'Erased person');
  // A request about the person that the erasure overtakes is answered 410, or 404 if about an event.
  const overtaken = /status of (410|404) .*\/api\/admin\/(users|events)\//;
  assert.deepEqual(
    page.said.filter((said) => !overtaken.test(said)),
    [],
  );
}
