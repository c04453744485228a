// Browsers for the scenarios, and the patience they share.
import { existsSync } from 'node:fs';
import { chromium, firefox } from 'playwright-core';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const DEADLINE_MS = 15_000;
const POLL_MS = 20;

const first = (...paths) => paths.find((path) => path && existsSync(path));

export function launch(options = {}) {
  const found = first(process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser');
  if (!found) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  return chromium.launch({ executablePath: found, args: ARGS, ...options });
}

/** The distribution's Firefox over WebDriver BiDi; undefined where there is none. */
export async function launchFirefox() {
  const found = first(process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox');
  return found && firefox.launch({ executablePath: found, channel: 'moz-firefox' });
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

/** A fresh visitor on an almost empty page of this site, where warnings and errors of the page are kept in `page.said`. */
export async function visit(browser, url, { path = '/404.html', prepare = () => {} } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  listen(page);
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
