// The start page of `make dev`: one click opens the dashboard, which shows the click as an event.
import assert from 'node:assert/strict';
import { serveStartPage } from '../../../scripts/dev/start-page.mjs';
import { freePort } from '../../support/wrangler.mjs';
import { listen } from '../browser.mjs';

export async function showsTheClickOfTheStartPage({ browser, trackMate }) {
  const company = await trackMate.companies({ name: 'Newcomer' });
  const port = await freePort();
  const server = await serveStartPage(port, { url: trackMate.url, ...company });
  const context = await browser.newContext();
  try {
    // `make dev` sends this request every few seconds.
    await trackMate.call('GET', '/api/admin/events?limit=1', undefined, { 'x-admin-id': company.adminKey });
    const page = listen(await context.newPage());
    await page.goto(`http://127.0.0.1:${port}/`);
    const [dashboard] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('button', { name: 'Watch it live' }).click(),
    ]);
    await dashboard.getByText('start_page_clicked').first().waitFor();
    assert.doesNotMatch(dashboard.url(), /tm_admin/);
    assert.deepEqual(page.said, []);
    // Another site cannot get the key, since it cannot send the required header.
    assert.equal((await fetch(`http://127.0.0.1:${port}/key`, { method: 'POST' })).status, 404);
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
}
