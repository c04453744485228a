// Browsers for the scenarios.
import { existsSync } from 'node:fs';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { startTrackMate } from '../support/harness.mjs';

export { until } from '../support/harness.mjs';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const first = (...paths) => paths.find((path) => path && existsSync(path));

function chromiumPath() {
  const found = first(process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser');
  if (!found) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  return found;
}

/** Chromium as visitors have it: for what depends on how a browser closes and restores pages. */
export const launch = (options = {}) => chromium.launch({ executablePath: chromiumPath(), args: ARGS, ...options });

/**
 * Chromium's headless shell: the same engine without the windows, and without a back/forward
 * cache. It takes a third of the processor time. Chromium itself if there is no shell.
 */
export const launchShell = () =>
  launch({ executablePath: first(process.env.CHROMIUM_SHELL, '/usr/bin/chromium-headless-shell') ?? chromiumPath() });

/** Starts the Worker and a browser before the tests of a suite, and stops them after. → Both, once they run. */
export function sharedWorld() {
  const world = {};
  before(async () => {
    world.trackMate = await startTrackMate();
    world.browser = await launchShell();
  });
  after(async () => {
    await world.browser?.close();
    await world.trackMate?.close();
  });
  return world;
}

/**
 * The distribution's Firefox over WebDriver BiDi, or undefined if there is none. It has those of
 * Playwright's methods that the delivery scenarios use. (Playwright drives only its own build of
 * Firefox, or a newer one.)
 */
export async function launchFirefox() {
  const found = first(process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox');
  if (!found) return undefined;
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: found, headless: true });
  return {
    version: () => browser.version(),
    close: () => browser.close(),
    async newContext() {
      const context = await browser.createBrowserContext();
      const scripts = [];
      return {
        addInitScript: async (...script) => scripts.push(script),
        async newPage() {
          const page = await context.newPage();
          for (const script of scripts) await page.evaluateOnNewDocument(...script);
          return page;
        },
        close: () => context.close(),
      };
    },
  };
}

/**
 * A new visitor on an almost empty page of this site, or on `path`. `page.said` has its warnings
 * and errors.
 */
export async function visit(browser, url, { path = '/empty', prepare = () => {} } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  listen(page);
  // Like a customer's page: TrackMate's own pages have a policy that forbids the SDK.
  await page.route(`${url}/empty`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><title>Shop</title><link rel="icon" href="/icon.svg">',
    }),
  );
  await prepare(page);
  await page.goto(url + path);
  return page;
}

/** Collects the page's warnings and errors in `page.said`. A failed request is shown with its address. */
export function listen(page) {
  page.said = [];
  page.on('console', (message) => {
    const text = message.text();
    const isRequest = text.startsWith('Failed to load resource');
    if (['warning', 'error'].includes(message.type())) page.said.push(isRequest ? `${text} ${message.location().url}` : text);
  });
  page.on('pageerror', (error) => page.said.push(String(error)));
  return page;
}
