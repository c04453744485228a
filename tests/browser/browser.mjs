// Chromium for the scenarios, and the patience they share.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

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

export function launch() {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
  if (!found) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  return chromium.launch({ executablePath: found, args: ARGS });
}

/** Asks until the answer is true enough, or says what did not come about. */
export async function until(what, ask) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`this never came about: ${what}`);
    await new Promise((next) => setTimeout(next, POLL_MS));
  }
}

/** A fresh visitor on an almost empty page of this site, where warnings and errors of the page are kept in `page.said`. */
export async function visit(browser, url, { path = '/404.html', prepare = () => {} } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => ['warning', 'error'].includes(message.type()) && page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(String(error)));
  await prepare(page);
  await page.goto(url + path);
  return page;
}
