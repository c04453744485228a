// The visitor's cookie from the real Worker: set if the API is on the page's origin, and read by
// the SDK when its storage is empty.
import assert from 'node:assert/strict';
import { visit } from './browser.mjs';

export async function visitorOutlivesStorage({ browser, trackMate }) {
  const { companyId } = await trackMate.companies({ name: 'Visitor' });
  const page = await visit(browser, trackMate.url);
  const start = () =>
    page.evaluate(async (companyId) => {
      const { default: sdk } = await import('/sdk/trackmate.js');
      sdk.init(companyId, location.origin, { cookie: true });
      sdk.track('a');
      return [await sdk.flush(), sdk.getAnonymousId()];
    }, companyId);
  const [sent, visitor] = await start();
  assert.equal(sent, true);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.value, cookie.sameSite], ['trackmate_id', visitor, 'Lax']);
  assert.ok(cookie.expires * 1000 > Date.now() + 399 * 24 * 3_600_000);
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  assert.deepEqual(await start(), [true, visitor]);
  await page.evaluate(async () => (await import('/sdk/trackmate.js')).default.reset());
  assert.deepEqual(await page.context().cookies(), []);
  await page.context().close();

  const crossSite = await fetch(`${trackMate.url}/api/events?visitor=abc`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site' },
    body: JSON.stringify({ company_id: companyId, sessionId: 'session_1', events: [] }),
  });
  assert.deepEqual([crossSite.status, crossSite.headers.get('set-cookie')], [200, null]);
}
