// Browsers for the scenarios, and the patience they share.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** As long as a busy machine may need: nothing is promised within it. */
const DEADLINE_MS = 60_000;
const POLL_MS = 20;

const first = (...paths) => paths.find((path) => path && existsSync(path));

export function launch(options = {}) {
  const found = first(process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser');
  if (!found) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  return chromium.launch({ executablePath: found, args: ARGS, ...options });
}

/**
 * The distribution's Firefox over WebDriver BiDi, with as much of Playwright's face as the delivery scenarios look at (Playwright itself drives
 * only a Firefox of its own, or a newer one); undefined where there is none.
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

/** Asks until the answer is true enough, or says what did not come about. */
export async function until(what, ask, deadlineMs = DEADLINE_MS) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`this never came about: ${typeof what === 'function' ? what() : what}`);
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
}

/** A fresh visitor on an almost empty page of this site, or the one at `path`, where warnings and errors of the page are kept in `page.said`. */
export async function visit(browser, url, { path = '/empty', prepare = () => {} } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  listen(page);
  // As a customer's page: TrackMate's own have a policy that lets no SDK run.
  await page.route(`${url}/empty`, (asked) =>
    asked.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><title>Shop</title><link rel="icon" href="/icon.svg">',
    }),
  );
  await prepare(page);
  await page.goto(url + path);
  return page;
}

/** Keeps what the page says in `page.said`. */
export function listen(page) {
  page.said = [];
  page.on('console', (message) => ['warning', 'error'].includes(message.type()) && page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(String(error)));
  return page;
}
