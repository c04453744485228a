// Other vendors' clients, unmodified, against the real Worker: each says who somebody is, tracks, sees a page, joins a group and sends a batch of 250, to a
// server that is out of order first. What is stored is what was sent, once, however often it was sent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTrackMate, until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { venv } from '../support/python.mjs';
import { send as sendFromBrowser } from './browser.mjs';
import { startProxy } from './proxy.mjs';

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = join(venv(here('requirements.txt')), 'bin', 'python');
const noPython = existsSync(python) ? false : 'no Python with the clients (python3 with venv, then scripts/setup.sh test)';
const inProcess = (command, args) => (env) => run(command, args, { env: { ...process.env, ...env }, timeout: 120_000 });
const npmVersion = (name) => JSON.parse(readFileSync(here(`node_modules/${name}/package.json`), 'utf8')).version;
const pinned = (name) => readFileSync(here('requirements.txt'), 'utf8').match(new RegExp(`^${name}==(\\S+)`, 'm'))[1];

const TROUBLES = ['429', '503', 'lost'];
const SENT = { Batched: 250, Tracked: 1, group: 1, identify: 1, page_view: 1 };
const rust = here('../../target/clients/debug/trackmate-client-segment');
const noRust = existsSync(rust) ? false : 'it is not built (crates.io, then scripts/setup.sh test)';

/** `again`: whether the client lets its user say what a message is known by; else what it sent is sent once more. */
const CLIENTS = [
  { name: '@segment/analytics-node', version: npmVersion, send: inProcess(process.execPath, [here('send/segment-node.mjs')]), again: true },
  { name: '@segment/analytics-next', version: npmVersion, send: sendFromBrowser, key: 'companyId', again: true },
  { name: 'segment-analytics-python', version: pinned, send: inProcess(python, [here('send/send.py'), 'segment']), skip: noPython, again: true },
  { name: '@rudderstack/rudder-sdk-node', version: npmVersion, send: inProcess(process.execPath, [here('send/rudder-node.mjs')]), again: true },
  { name: 'rudder-sdk-python', version: pinned, send: inProcess(python, [here('send/send.py'), 'rudderstack']), skip: noPython, again: true },
  { name: 'posthog-node', version: npmVersion, send: inProcess(process.execPath, [here('send/posthog-node.mjs')]), again: false },
  { name: 'segment (the crate)', version: () => '0.2.6', send: inProcess(rust, []), skip: noRust, again: true },
];

describe('clients of other vendors', { concurrency: 3 }, () => {
  const world = {};
  before(async () => {
    world.trackMate = await startTrackMate();
  });
  after(() => world.trackMate?.close());

  for (const { name, version, send, key = 'serverKey', again, skip = false } of CLIENTS) {
    test(`${name} loses nothing, and sends nothing twice`, { skip }, async (t) => {
      const { trackMate } = world;
      const c = await newCompany(trackMate);
      const d1 = await trackMate.d1();
      const stored = async () => {
        const { results } = await d1.prepare('select type, count(*) as n from events where company = ?1 group by type order by type').bind(c.companyId).all();
        return Object.fromEntries(results.map(({ type, n }) => [type, n]));
      };
      const all = async () => Object.values(await stored()).reduce((sum, n) => sum + n, 0);
      const wanted = Object.values(SENT).reduce((sum, n) => sum + n, 0);
      const env = { KEY: c[key], RUN: randomUUID(), USER_ID: 'u-1001', EMAIL: 'ada@example.com', BEGAN: new Date(Date.now() - 60_000).toISOString() };

      const proxy = await startProxy(trackMate.url, TROUBLES);
      t.after(proxy.close);
      const arrived = () => until(`${wanted} of ${name}`, async () => (await all()) >= wanted && proxy.sent.at(-1).status === 200 && proxy.met.length === TROUBLES.length, 60_000);
      await send({ ...env, URL: proxy.url }, arrived);
      await arrived();
      assert.deepEqual(await stored(), SENT);
      assert.deepEqual(proxy.met, TROUBLES, 'it met all of the troubles');
      assert.deepEqual([...new Set(proxy.sent.map(({ status }) => status))], [200]);

      // It is all one person's, known by both.
      const user = await c.user('ada@example.com');
      assert.deepEqual([user.externalId, user.fullName], ['u-1001', 'Ada Lovelace']);
      const { events } = await c.timeline(user.id);
      assert.equal(events.length, wanted);
      const [group] = events.filter(({ eventType }) => eventType === 'group');
      assert.deepEqual([group.eventData.groupId, group.eventData.traits], ['acme', { plan: 'pro' }]);
      assert.deepEqual(events.filter(({ eventType }) => eventType === 'Batched').map(({ eventData }) => eventData.n), Array.from({ length: 250 }, (_, n) => n));

      const before = proxy.sent.length;
      if (again) {
        const second = await startProxy(trackMate.url, []);
        t.after(second.close);
        const answered = () => until('its second run', () => second.sent.filter(({ status }) => status === 200).length > 0 && second.sent.length >= Math.min(before, 2), 60_000);
        await send({ ...env, URL: second.url }, answered);
      }
      for (const answer of await proxy.replay()) assert.equal(answer.accepted ?? 0, 0);
      assert.deepEqual(await stored(), SENT);
      t.diagnostic(`${name} ${version(name)}: sent ${wanted}, stored ${wanted}, the second run added 0`);
    });
  }

  test('@jitsu/js, which knows neither batches nor retries, tells who did what', async (t) => {
    const { trackMate } = world;
    const c = await newCompany(trackMate);
    const proxy = await startProxy(trackMate.url, []);
    t.after(proxy.close);
    await inProcess(process.execPath, [here('send/jitsu.mjs')])({ URL: proxy.url, KEY: c.serverKey, USER_ID: 'u-1001', EMAIL: 'ada@example.com' });
    const user = await until('all four of @jitsu/js', async () => {
      const user = await c.user('ada@example.com');
      return user && (await c.names(user.id)).length === 4 && user;
    });
    assert.equal(user.externalId, 'u-1001');
    assert.deepEqual((await c.names(user.id)).toSorted(), ['Tracked', 'group', 'page_view', 'user_registered']);
    for (const answer of await proxy.replay()) assert.equal(answer.accepted, 0);
    t.diagnostic(`@jitsu/js ${npmVersion('@jitsu/js')}: sent 4, stored 4, the same once more added 0`);
  });
});
