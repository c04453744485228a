// Two versions of the Worker in one workerd, on one D1 and the same queues, as while Cloudflare
// deploys. Requests go to either. A Worker of the test passes each batch of a queue on to the version
// that has its turn. So messages outlive the change of versions, as they do in Cloudflare's queues.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_readConfig as readConfig } from 'wrangler';

const OPERATOR_KEY = 'operator-key-of-the-upgrade';
const VARS = { DEV_ALLOW_LOOPBACK: '1', OPERATOR_KEY, SECRETS_KEY: 'secrets-key-of-the-upgrade' };

/** Passes on what queues bring. `/turn?of=new` gives another version its turn. */
const QUEUES = `
let turn = 'old';
export default {
  fetch(request) {
    turn = new URL(request.url).searchParams.get('of');
    return new Response(turn);
  },
  async queue(batch, env) {
    const messages = batch.messages.map(({ id, timestamp, body, attempts }) => ({ id, timestamp, body, attempts }));
    const { outcome, retryBatch, retryMessages } = await env[turn].queue(batch.queue, messages);
    if (outcome !== 'ok') throw new Error(turn + ' answered a batch with ' + outcome);
    if (retryBatch.retry) return batch.retryAll(retryBatch);
    const again = new Map(retryMessages.map(({ msgId, delaySeconds }) => [msgId, { delaySeconds }]));
    for (const message of batch.messages) again.has(message.id) ? message.retry(again.get(message.id)) : message.ack();
  },
};`;

/** A version as a Worker of miniflare. */
function workerOf(name, root) {
  const config = readConfig({ config: join(root, 'wrangler.toml') });
  const modules = [['ESModule', 'index.js'], ['CompiledWasm', 'index_bg.wasm']];
  return {
    name,
    modulesRoot: root,
    modules: modules.map(([type, file]) => ({ type, path: join(root, 'edge/build', file) })),
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ...VARS },
    d1Databases: { DB: 'trackmate' },
    queueProducers: Object.fromEntries(config.queues.producers.map(({ binding, queue }) => [binding, queue])),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
}

/** The Worker that takes what queues bring; the queues are those of a checkout. */
function consumerOf(root) {
  const { queues, compatibility_date: compatibilityDate } = readConfig({ config: join(root, 'wrangler.toml') });
  const consumers = queues.consumers.map((c) => [
    c.queue,
    {
      maxBatchSize: c.max_batch_size,
      maxBatchTimeout: c.max_batch_timeout,
      maxRetries: c.max_retries,
      deadLetterQueue: c.dead_letter_queue,
    },
  ]);
  return {
    name: 'queues',
    modules: [{ type: 'ESModule', path: 'queues.mjs', contents: QUEUES }],
    compatibilityDate,
    compatibilityFlags: ['service_binding_extra_handlers'],
    serviceBindings: { old: 'old', new: 'new' },
    queueConsumers: Object.fromEntries(consumers),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
}

/** The file of the database in a folder of state. */
function databaseFile(folder) {
  const isDatabase = (name) => /D1DatabaseObject.*\.sqlite$/.test(name) && !name.endsWith('metadata.sqlite');
  const files = readdirSync(folder, { recursive: true }).filter(isDatabase);
  if (files.length !== 1) throw new Error(`one database was expected, not ${files.length}`);
  return join(folder, files[0]);
}

/**
 * Starts the Workers of two checkouts with an empty database → {urls: {old, new}, operatorKey,
 * migrate, turn, sweep, lock, stop}. `migrate(file)` applies a migration as wrangler does: with its
 * line in the list of migrations. `turn(version)` gives a version the queues and the cron.
 */
export async function startVersions(roots) {
  const state = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'trackmate-upgrade-'));
  const workers = [consumerOf(roots.new), ...Object.entries(roots).map(([name, root]) => workerOf(name, root))];
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers, resourcePersistencePath: state, cf: false }));
  await miniflare.ready;
  const urls = {};
  for (const name of Object.keys(roots)) urls[name] = (await miniflare.unsafeGetDirectURL(name)).origin;
  const consumer = await miniflare.unsafeGetDirectURL('queues');
  const d1 = await miniflare.getD1Database('DB', 'old');
  const list = `create table d1_migrations (id integer primary key autoincrement, name text unique,
    applied_at timestamp default current_timestamp not null)`;
  await d1.prepare(list).run();
  let current = 'old';
  const sweepers = {};
  for (const name of Object.keys(roots)) ({ scheduled: sweepers[name] } = await miniflare.getWorker(name));
  return {
    urls,
    operatorKey: OPERATOR_KEY,
    migrate: async ({ name, text }) => {
      const statements = text.replaceAll(/--.*$/gm, '').trim();
      await d1.prepare(`${statements}\n;insert into d1_migrations (name) values ('${name}')`).run();
    },
    turn: async (version) => {
      await fetch(new URL(`/turn?of=${version}`, consumer));
      current = version;
    },
    sweep: () => sweepers[current]({ cron: '* * * * *' }),
    /** Takes the database's lock, so D1 fails every write → a function that gives it back. */
    lock: () => {
      const database = new DatabaseSync(databaseFile(state), { timeout: 10_000 });
      database.exec('begin exclusive');
      return () => database.close();
    },
    stop: async () => {
      await miniflare.dispose();
      rmSync(state, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
