// Shared by the dashboard's scenarios: signing in, screenshots, and accessibility checks with axe.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { listen, until } from '../browser.mjs';

const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const SHOTS = at('.trackmate/shots/');
const AXE = readFileSync(at('node_modules/axe-core/axe.min.js'), 'utf8');

/**
 * Opens the dashboard in a new browser context and signs in to the company. Returns the page; its
 * console messages are in `page.said`. `prepare` can change the context first.
 */
export async function openDashboard({ browser, trackMate }, company, place = 'live', prepare = () => {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  await prepare(context);
  const page = listen(await context.newPage());
  await signIn(page, trackMate, company, place);
  return page;
}

/** Opens a place of the dashboard and signs in to the company. */
export async function signIn(page, trackMate, company, place) {
  await page.goto(`${trackMate.url}/dashboard/#/${company.companyId}/${place}`);
  await page.getByLabel('Admin key').fill(company.adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

/** The links of the menu: `#/<company>/live`, … */
export const menu = (page) =>
  page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')));

/**
 * Takes screenshots of the page in light, dark and phone width. Fails on serious accessibility
 * findings and on overflow.
 */
export async function takePictures(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  const size = page.viewportSize();
  for (const [look, scheme, viewport] of [
    ['light', 'light', size],
    ['dark', 'dark', size],
    ['phone', 'light', { width: 360, height: 780 }],
  ]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(viewport);
    await page.screenshot({ path: `${SHOTS}${name}-${look}.png`, fullPage: true });
    await accessible(page, `${name}, ${look}`);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(sideways <= 0, `${name}, ${look}: the page is ${sideways} px wider than the window`);
    if (look === 'phone') {
      const hidden = await page
        .locator('.scroll:has(> .cards)')
        .evaluateAll((all) =>
          all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.getAttribute('aria-label')),
        );
      assert.deepEqual(hidden, [], `${name}: tables that are cut off on a phone`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(size);
}

async function accessible(page, what) {
  // Playwright's evaluate bypasses the page's own content security policy.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(
    serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`),
    [],
    what,
  );
}

export { until };
