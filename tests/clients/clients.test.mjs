// Other vendors' clients for servers, unmodified, against the real Worker: each says who somebody is, tracks, sees a page, joins a group, names a visitor's id and sends
// a batch of 250, with odd values among them (scenario.mjs), to a server whose first answer is lost. What is stored is what was sent, once, however often it was sent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTrackMate } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { venv } from '../support/python.mjs';
import { startProxy } from './proxy.mjs';
import { STORED, calls, check } from './scenario.mjs';

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const lock = (crate) => readFileSync(here('rust/Cargo.lock'), 'utf8').match(new RegExp(`name = "${crate}"\nversion = "(.+)"`))[1];

const LANGUAGES = {
  node: { command: process.execPath, args: [here('send/node.mjs')], version: (name) => JSON.parse(readFileSync(here(`node_modules/${name}/package.json`), 'utf8')).version },
  python: {
    command: join(venv(here('requirements.txt')), 'bin', 'python'), args: [here('send/send.py')], missing: 'no Python with the clients (python3 with venv, then scripts/setup.sh test)',
    version: (name) => readFileSync(here('requirements.txt'), 'utf8').match(new RegExp(`^${name}==(\\S+)`, 'm'))[1],
  },
  // A text of Rust holds no half of an emoji.
  rust: { command: here('../../target/clients/debug/trackmate-clients'), args: [], missing: 'it is not built (crates.io, then scripts/setup.sh test)', version: lock, cut: '\ufffd' },
};

/**
 * `named`: how the sender is told of it. `again`: whether its user may say what each message is known by, or it is known by its content: then all of it is sent twice.
 * `more`: what is stored beside. `troubles`: what the server does to its first requests.
 */
const CLIENTS = [
  { name: '@segment/analytics-node', language: 'node', named: 'segment', again: true },
  { name: 'segment-analytics-python', language: 'python', named: 'segment', again: true },
  { name: 'segment', language: 'rust', named: 'segment', again: true },
  { name: '@rudderstack/rudder-sdk-node', language: 'node', named: 'rudderstack', again: true },
  { name: 'rudder-sdk-python', language: 'python', named: 'rudderstack', again: true },
  { name: 'rudderanalytics', language: 'rust', named: 'rudderstack', again: true },
  { name: '@customerio/cdp-analytics-node', language: 'node', named: 'customerio', again: true },
  { name: 'customerio-cdp-analytics', language: 'python', named: 'customerio', again: true },
  { name: 'posthog-node', language: 'node', named: 'posthog', own: true },
  // What PostHog sets once is an event of its own here.
  { name: 'posthog', language: 'python', named: 'posthog', own: true, more: { identify: 1 } },
  // It knows neither aliases nor times nor retries.
  { name: '@jitsu/js', language: 'node', named: 'jitsu', without: ['alias', 'time'], troubles: ['lost'] },
];

describe('clients of other vendors', { concurrency: 4 }, () => {
  const world = {};
  before(async () => {
    world.trackMate = await startTrackMate();
    world.folder = mkdtempSync(join(tmpdir(), 'trackmate-clients-'));
  });
  after(() => {
    rmSync(world.folder, { recursive: true, force: true });
    return world.trackMate?.close();
  });

  for (const client of CLIENTS) {
    const { name, named, again, more = {}, without = [], troubles = ['lost', '429', '503'] } = client;
    const { command, args, version, missing, cut = '\ud83d' } = LANGUAGES[client.language];
    test(`${name} (${client.language}) loses nothing, and sends nothing twice`, { skip: !existsSync(command) && missing }, async (t) => {
      const { trackMate, folder } = world;
      const c = await newCompany(trackMate);
      const d1 = await trackMate.d1();
      const stored = async () => {
        const { results } = await d1.prepare('select type, count(*) as n from events where company = ?1 group by type order by type').bind(c.companyId).all();
        return Object.fromEntries(results.map(({ type, n }) => [type, n]));
      };
      const wanted = Object.fromEntries(Object.entries(STORED).filter(([type]) => !without.includes(type)).map(([type, n]) => [type, n + (more[type] ?? 0)]));
      const total = Object.values(wanted).reduce((sum, n) => sum + n, 0);
      const CALLS = join(folder, `${client.language}-${named}.json`);
      writeFileSync(CALLS, JSON.stringify(calls(cut).filter(({ kind }) => !without.includes(kind))));
      const env = { ...process.env, TZ: 'UTC', KEY: c.serverKey, RUN: randomUUID(), BEGAN: new Date(Date.now() - 60_000).toISOString(), CALLS };
      const send = async (troubles) => {
        const proxy = await startProxy(trackMate.url, troubles);
        t.after(proxy.close);
        await run(command, [...args, named], { env: { ...env, URL: proxy.url }, timeout: 60_000 });
        assert.deepEqual(proxy.met, troubles, 'it met all of the troubles');
        assert.deepEqual([...new Set(proxy.sent.map(({ status }) => status))], [200]);
        return proxy;
      };

      const proxy = await send(troubles);
      assert.deepEqual(await stored(), wanted);
      await check(c, total, client);
      if (again) await send([]);
      for (const answer of await proxy.replay()) assert.deepEqual([answer.accepted ?? 0, answer.rejected ?? []], [0, []]);
      assert.deepEqual(await stored(), wanted);
      t.diagnostic(`${name} ${version(name)}: sent ${total}, stored ${total}, the same once more added 0`);
    });
  }
});
