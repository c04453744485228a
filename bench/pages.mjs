// `make bench-pages`: the time to the first content of each dashboard page, for a company of 100
// 000 people and 10 000 events. Chromium, the built pages and Worker, wrangler's local runtime.
// README.md explains the results. USERS and EVENTS make it smaller.
import { menu, openDashboard } from '../tests/browser/dashboard/viewer.mjs';
import { launch } from '../tests/browser/browser.mjs';
import { startTrackMate, until } from '../tests/support/harness.mjs';
import { startReceiver } from '../tests/support/receiver.mjs';
import { populate } from '../tests/support/crowd.mjs';
import { SMOKE, conclude, machine, median, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';

const USERS = whole('USERS', 100_000, 200);
const EVENTS = whole('EVENTS', 10_000, 100);
const ROUNDS = whole('ROUNDS', 5, 1);
const GOAL_MS = 500;
/** The goal with an empty cache. */
const COLD_GOAL_MS = 1_000;
const BATCH = 250;
const SESSIONS = 200;
const DAY_MS = 24 * 60 * 60 * 1000;
const NAMES = ['page_view', 'add_to_cart', 'checkout_started', 'search', 'signup'];

/**
 * Events of the last month. Every fourth session is identified; a tenth of the events come from
 * servers and are delivered.
 */
async function send(trackMate, c, receiver) {
  const admin = { 'x-admin-id': c.adminKey };
  const ok = async (...request) => {
    const { status, body } = await trackMate.call(...request);
    if (status !== 200) throw new Error(`${request[1]}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  await ok('POST', '/api/admin/webhooks', { name: 'CRM', url: receiver.url, events: ['order.paid'] }, admin);
  // to ask is to watch: what comes now is in Live, as far as that keeps it
  await ok('GET', '/api/admin/events', undefined, admin);
  const now = Date.now();
  const fromServers = Math.floor(EVENTS / 10);
  for (let n = 0; n < EVENTS - fromServers; n += BATCH) {
    const session = (n / BATCH) % SESSIONS;
    const events = Array.from({ length: Math.min(BATCH, EVENTS - fromServers - n) }, (_, i) => ({
      eventType: NAMES[(n + i) % NAMES.length],
      eventData: { address: `https://shop.example/products/${i}`, price: i },
      timestamp: new Date(now - ((n + i) / EVENTS) * 29 * DAY_MS).toISOString(),
    }));
    await ok('POST', '/api/events', { company_id: c.companyId, sessionId: `session_1760788800_${session}`, events });
    if (session % 4 === 0) await ok('POST', '/api/profile', { company_id: c.companyId, sessionId: `session_1760788800_${session}`, email: `known${session}@shop.example`, name: `Known ${session}` });
  }
  for (let n = 0; n < fromServers; n += 50) {
    const events = Array.from({ length: 50 }, (_, i) => ({ eventType: 'order.paid', eventData: { amount: i, currency: 'USD' } }));
    await ok('POST', '/api/webhooks/events', { identifier: { email: 'known0@shop.example' }, events }, { 'x-trackmate-api-key': c.serverKey });
  }
  await until('the deliveries', () => receiver.requests.length >= fromServers, 300_000);
  const [found] = (await ok('GET', '/api/admin/users?email=known0@shop.example', undefined, admin)).users;
  const [event] = (await ok('GET', '/api/admin/events?limit=1', undefined, admin)).events;
  return { person: found.id, event };
}

/**
 * In the page: ms until the first content is painted. Each page shows a loading state until then.
 */
const arrive = (hash) =>
  new Promise((arrived) => {
    if (location.hash === hash) return arrived(0);
    const main = document.querySelector('#main');
    const before = main.innerText;
    const began = performance.now();
    const look = () => {
      const there = location.hash === hash && main.querySelector('h1') && main.innerText !== before && !main.querySelector('.waiting');
      requestAnimationFrame(there ? () => arrived(performance.now() - began) : look);
    };
    location.hash = hash;
    requestAnimationFrame(look);
  });

/** ms from navigation to the first content, in a browser that has only the key. */
async function cold(browser, storageState, url, hash) {
  const context = await browser.newContext({ storageState });
  const page = await context.newPage();
  await page.goto(`${url}/dashboard/${hash}`, { waitUntil: 'commit' });
  await page.waitForFunction(() => document.querySelector('#main h1') && !document.querySelector('#main .waiting'), undefined, { polling: 'raf' });
  const ms = await page.evaluate(() => performance.now());
  await context.close();
  return ms;
}

async function main() {
  const before = machine();
  console.log(`${shown(USERS)} users, ${shown(EVENTS)} events; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  const receiver = await startReceiver();
  const trackMate = await startTrackMate();
  const browser = await launch();
  try {
    const c = await trackMate.companies({ name: 'Bench' });
    await populate(await trackMate.d1(), c.companyId, USERS);
    const { person, event } = await send(trackMate, c, receiver);
    const page = await openDashboard({ browser, trackMate }, c, 'live');
    const pages = await menu(page);
    const at = (path) => `#/${c.companyId}/${path}`;
    const places = [...pages, at(`live/${event.door}/${encodeURIComponent(event.messageId)}`), at(`people/${person}`), at('overview?range=30d'), at('people?search=known')];
    const [, kept] = await page.evaluate(() => Object.entries(sessionStorage)[0]);
    const remembered = [{ name: 'trackmate.dashboard', value: JSON.stringify(JSON.parse(kept).map((one) => ({ ...one, remembered: true }))) }];
    const storageState = { cookies: [], origins: [{ origin: trackMate.url, localStorage: remembered }] };

    // The first search of a company indexes all its people, once. It is reported separately.
    const began = performance.now();
    await trackMate.call('GET', '/api/admin/users?search=nobody', undefined, { 'x-admin-id': c.adminKey });
    const firstSearch = Math.round(performance.now() - began);

    const name = (hash) => hash.replace(`#/${c.companyId}/`, '').replace(person, '{id}').replace(encodeURIComponent(event.messageId), '{messageId}');
    const figures = {};
    for (const hash of SMOKE ? places.slice(-5) : places) {
      const [moves, loads] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        await page.bringToFront();
        await page.evaluate(arrive, at(name(hash) === 'settings' ? 'live' : 'settings'));
        moves.push(await page.evaluate(arrive, hash));
        loads.push(await cold(browser, storageState, trackMate.url, hash));
      }
      figures[name(hash)] = { moved: median(moves), worst: Math.max(...moves), cold: median(loads) };
    }
    table('First content, ms', ['', 'from another page', 'worst', 'from nothing'], Object.entries(figures).map(([place, f]) => [place, f.moved, f.worst, f.cold]));
    console.log(`  the first search there ever was took ${shown(firstSearch)} ms`);
    const slowest = Math.max(...Object.values(figures).map(({ moved }) => moved));
    const coldest = Math.max(...Object.values(figures).map(({ cold }) => cold));
    console.log(`  goal: each page ≤ ${GOAL_MS} ms after it was gone to: ${shown(slowest)} ${verdict(slowest <= GOAL_MS)}; ≤ ${COLD_GOAL_MS} ms from nothing: ${shown(coldest)} ${verdict(coldest <= COLD_GOAL_MS)}`);
    conclude('pages', before, { users: USERS, events: EVENTS, firstSearch, pages: figures });
  } finally {
    await browser.close();
    await trackMate.close();
    await receiver.close();
  }
}

run(main);
