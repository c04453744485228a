// Cloudflare's API on this machine, as far as wrangler and `trackmate deploy` use it. It remembers
// what was made in the account, and how often. It runs no Worker; its database is a real SQLite.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';

export const ACCOUNT = '0123456789abcdef0123456789abcdef';
export const TOKEN = 'token-of-the-tests';

/** Answers `result`, in Cloudflare's form. */
const ok = (result) => ({ status: 200, body: { success: true, errors: [], messages: [], result } });
const missing = (code) => ({
  status: 404,
  body: { success: false, errors: [{ code, message: 'not found' }], messages: [], result: null },
});

/** One account without anything in it. */
class Account {
  /** What was made or changed: ['queue trackmate-spill', …]. */
  made = [];
  /** Requests that this API does not know. */
  unknown = [];
  databases = new Map();
  queues = new Map();
  secrets = {};
  script = null;
  versions = [];
  crons = [];
  /** Bytes of a database. */
  fileSize = 4096;
  /** The name of a database that refuses every change. */
  broken = null;

  /** The database of this name or id. */
  database(key) {
    return [...this.databases.values()].find(({ uuid, name }) => [uuid, name].includes(key));
  }

  /** Replaces a database by one with these migrations only: [[name, sql], …]. */
  migrateAgain(migrations, database = 'trackmate') {
    const sqlite = new DatabaseSync(':memory:');
    sqlite.exec('create table d1_migrations (id integer primary key, name text unique, applied_at timestamp)');
    for (const [name, sql] of migrations) {
      sqlite.exec(sql);
      sqlite.prepare('insert into d1_migrations (name) values (?)').run(name);
    }
    this.database(database).sqlite = sqlite;
  }

  upload(form) {
    const metadata = JSON.parse(form.get('metadata'));
    for (const { type, name, text } of metadata.bindings) if (type === 'secret_text') this.secrets[name] = text;
    const id = randomUUID();
    this.versions.unshift({ id, annotations: metadata.annotations ?? {} });
    this.script = metadata;
    this.made.push('Worker');
    return { id, deployment_id: id, startup_time_ms: 1, resources: { script: { etag: 'etag' } } };
  }

  /** Runs SQL that a client sent. */
  query(uuid, { sql, params = [] }) {
    const { sqlite, name } = this.database(uuid);
    if (/^\s*(select|pragma)\b/i.test(sql)) {
      const results = sqlite.prepare(sql).all(...params);
      return ok([{ success: true, results, meta: { duration: 1, rows_read: 0, rows_written: 0 } }]);
    }
    const migration = /INSERT INTO \S+ \(name\)\s+values \('(\S+)'\)/i.exec(sql);
    if (name === this.broken) return { status: 400, body: { success: false, errors: [{ code: 7500, message: `${name} is broken` }] } };
    if (migration) this.made.push(`migration ${migration[1]}${name === 'trackmate' ? '' : ` of ${name}`}`);
    sqlite.exec(sql);
    return ok([{ success: true, results: [], meta: { duration: 1, rows_read: 0, rows_written: 0 } }]);
  }
}

/** The routes: method, path below the account, and what answers. */
const ROUTES = [
  ['GET', /^\/d1\/database\/([^/]+)$/, (account, [key]) => {
    const found = account.database(key);
    const { uuid, name, jurisdiction } = found ?? {};
    return found ? ok({ uuid, name, jurisdiction, file_size: account.fileSize, num_tables: 0 }) : missing(7404);
  }],
  ['POST', /^\/d1\/database$/, (account, _, { name, jurisdiction = null, primary_location_hint: location }) => {
    const database = { uuid: randomUUID(), name, jurisdiction, location, sqlite: new DatabaseSync(':memory:') };
    account.databases.set(name, database);
    account.made.push(`database ${name}`);
    return ok({ uuid: database.uuid, name, jurisdiction });
  }],
  ['POST', /^\/d1\/database\/([^/]+)\/query$/, (account, [uuid], body) => account.query(uuid, body)],
  ['GET', /^\/d1\/database\/([^/]+)\/time_travel\/bookmark$/, () => ok({ bookmark: '00000001-00000002-00000003' })],
  ['GET', /^\/queues$/, (account, _, __, query) => {
    const all = [...account.queues.values()];
    const names = query.getAll('name');
    return ok(all.filter(({ queue_name: name }) => !names.length || names.includes(name)));
  }],
  ['POST', /^\/queues$/, (account, _, { queue_name: name, jurisdiction }) => {
    account.queues.set(name, { queue_name: name, queue_id: randomUUID(), jurisdiction, consumers: [], producers: [] });
    account.made.push(`queue ${name}`);
    return ok(account.queues.get(name));
  }],
  ['POST', /^\/queues\/([^/]+)\/consumers$/, (account, [id], body) => {
    const queue = [...account.queues.values()].find(({ queue_id: each }) => each === id);
    queue.consumers.push({ ...body, consumer_id: randomUUID(), script: body.script_name });
    account.made.push(`consumer ${queue.queue_name}`);
    return ok(queue.consumers.at(-1));
  }],
  ['PUT', /^\/queues\/([^/]+)\/consumers\/([^/]+)$/, (_, __, body) => ok(body)],
  ['GET', /^\/workers\/services\/[^/]+$/, (account) => {
    if (!account.script) return missing(10090);
    const script = { tag: 'tag', tags: [], last_deployed_from: 'wrangler' };
    return ok({ default_environment: { environment: 'production', script } });
  }],
  ['GET', /^\/workers\/scripts\/[^/]+\/secrets$/, (account) => {
    const secrets = Object.keys(account.secrets).map((name) => ({ name, type: 'secret_text' }));
    return account.script ? ok(secrets) : missing(10007);
  }],
  ['GET', /^\/workers\/scripts\/[^/]+\/settings$/, (account) =>
    account.script ? ok({ bindings: account.script.bindings }) : missing(10007)],
  ['GET', /^\/workers\/scripts\/[^/]+\/deployments$/, ({ versions }) => {
    if (!versions.length) return missing(10007);
    const [{ id }] = versions;
    const deployed = { source: 'wrangler', strategy: 'percentage', versions: [{ version_id: id, percentage: 100 }] };
    return ok({ deployments: [{ id, ...deployed }] });
  }],
  ['POST', /^\/workers\/scripts\/[^/]+\/deployments$/, () => ok({ id: randomUUID() })],
  ['GET', /^\/workers\/scripts\/[^/]+\/versions\/([^/]+)$/, ({ versions }, [id]) =>
    ok({ ...versions.find((each) => each.id === id), metadata: { source: 'wrangler' } })],
  ['POST', /^\/workers\/scripts\/[^/]+\/versions$/, (account, _, form) => ok(account.upload(form))],
  ['PUT', /^\/workers\/scripts\/[^/]+$/, (account, _, form) => ok(account.upload(form))],
  ['PATCH', /^\/workers\/scripts\/[^/]+\/script-settings$/, (_, __, body) => ok(body)],
  ['POST', /^\/workers\/scripts\/[^/]+\/assets-upload-session$/, () => ok({ jwt: 'jwt', buckets: [] })],
  ['GET', /^\/workers\/scripts\/[^/]+\/subdomain$/, () => ok({ enabled: true, previews_enabled: false })],
  ['POST', /^\/workers\/scripts\/[^/]+\/subdomain$/, (_, __, body) => ok(body)],
  ['GET', /^\/workers\/workers\/[^/]+$/, () => ok({ subdomain: { enabled: true, previews_enabled: false } })],
  ['GET', /^\/workers\/subdomain$/, () => ok({ subdomain: 'tests' })],
  ['GET', /^\/workers\/scripts\/[^/]+\/schedules$/, ({ crons }) => ok({ schedules: crons })],
  ['PUT', /^\/workers\/scripts\/[^/]+\/schedules$/, (account, _, crons) => {
    account.crons = crons;
    account.made.push(...crons.map(({ cron }) => `cron ${cron}`));
    return ok({ schedules: crons });
  }],
];

/** The body of a request: JSON, a form, or nothing. */
async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/')) return new Response(bytes, { headers: { 'content-type': type } }).formData();
  return bytes.length ? JSON.parse(bytes) : undefined;
}

/** Starts the API. Returns {url, account, env, close}; `env` makes wrangler and trackmate use it. */
export async function startCloudflare() {
  const account = new Account();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    const body = await bodyOf(request);
    const path = pathname.replace(`/accounts/${ACCOUNT}`, '');
    const [, pattern, handler] = ROUTES.find(([method, route]) => method === request.method && route.test(path)) ?? [];
    if (!handler && pathname !== '/accounts') account.unknown.push(`${request.method} ${request.url}`);
    const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`;
    const denied = { status: 403, body: { success: false, errors: [{ code: 10000, message: 'Authentication error' }] } };
    const answer = () => (pathname === '/accounts' ? ok([{ id: ACCOUNT, name: 'Tests' }]) : missing(7003));
    const known = handler ? () => handler(account, pattern.exec(path).slice(1), body, searchParams) : answer;
    const { status, body: text } = isAllowed ? known() : denied;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(text));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    account,
    env: { CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_API_TOKEN: TOKEN },
    close: () => server.close().closeAllConnections(),
  };
}
