// The API reference, /docs/http, without JavaScript, on a desktop and on a phone.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { listen } from './browser.mjs';

const SHOTS = fileURLToPath(new URL('../../.trackmate/shots/', import.meta.url));

export async function referenceShowsEveryRoute({ browser, trackMate }) {
  const { paths, components } = await (await fetch(`${trackMate.url}/openapi.json`)).json();
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = listen(await context.newPage());
  await page.goto(`${trackMate.url}/docs/http/`);
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { summary }] of Object.entries(methods)) {
      const operation = page.locator(`[data-operation="${method} ${path}"]`);
      assert.equal(await operation.locator('.lead').textContent(), summary.replaceAll('`', ''), `${method} ${path}`);
      assert.equal(await operation.locator('h3 code').textContent(), path);
      assert.ok((await page.locator('.contents').textContent()).includes(summary.replaceAll('`', '')), summary);
    }
  }
  const ids = await page.locator('[id]').evaluateAll((all) => all.map((one) => one.id));
  const links = await page
    .locator('a[href^="#"]')
    .evaluateAll((all) => all.map((one) => one.getAttribute('href').slice(1)));
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  assert.deepEqual(
    links.filter((id) => !ids.includes(id)),
    [],
    'every link within the page has a target',
  );
  assert.deepEqual(
    Object.keys(components.schemas).filter((name) => !ids.includes(`schema-${name}`)),
    [],
  );

  mkdirSync(SHOTS, { recursive: true });
  for (const [name, width, colorScheme] of [
    ['reference', 1280, 'light'],
    ['reference-dark', 1280, 'dark'],
    ['reference-narrow', 390, 'light'],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 1200 });
    const wide = await page.locator('html').evaluate((html) => html.scrollWidth);
    assert.ok(wide <= width, `the page fits in ${width} px: ${wide}`);
    await page.screenshot({ path: `${SHOTS}${name}.png` });
  }
  assert.deepEqual(page.said, []);
  await context.close();
}
