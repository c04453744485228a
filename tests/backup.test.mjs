// Backup and restore by the command-line manager: from a Worker under load into another one, with what must hold of both, and what is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { EXIT, commandLine, done, trackmate } from './support/cli.mjs';
import { samples, sentTo } from './support/docs.mjs';
import { populate } from './support/crowd.mjs';
import { until } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';
import { isSigned, startReceiver } from './support/receiver.mjs';
import { freePort, newState, startWrangler } from './support/wrangler.mjs';

const PEOPLE = Number(process.env.PEOPLE ?? 500);
/** People besides, who are written straight into the database, with two events each. `make soak-backup` has 100,000. */
const CROWD = Number(process.env.CROWD ?? 0);
const WRITERS = 4;
const HOUR_S = 3600;

/** Adds people with a name, tags and events, several at a time. */
async function addPeople(c) {
  const add = async (n) => {
    const email = `person${n}@example.com`;
    const session = c.session();
    await c.track(session, { eventType: 'page_view', eventData: { n }, messageId: `view-${n}` });
    await c.identify(session, email, { name: `Åse Nr${n}`, messageId: `identify-${n}` });
    if (n % 5 === 0) await c.server({ email }, 'payment_processed', { eventData: { amount: n, currency: 'USD' }, user: { tags: { add: ['vip'] }, customFields: { n } } });
  };
  for (let n = 0; n < PEOPLE; n += 20) await Promise.all(Array.from({ length: Math.min(20, PEOPLE - n) }, (_, i) => add(n + i)));
}

/** Writes a crowd into the database of a Worker that does not run. */
async function addCrowd(state, company) {
  const folder = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
  const database = new DatabaseSync(join(folder, file));
  const d1 = {
    prepare: (sql) => ({ bind: (...values) => ({ sql, values }) }),
    batch: (statements) => statements.forEach(({ sql, values }) => database.prepare(sql).run(...values)),
  };
  await populate(d1, company, CROWD);
  database.exec(`insert into links (company, session, at, id, profile, events, first_ts, last_ts)
      select company, 's' || id, 1000, 'm' || id, id, 2, 1000, 2000 from profiles where id like 'prf_%';
    insert into events (company, source, message_id, session, ts, type, data, request, received_at)
      select l.company, 0, l.id || n.value, l.session, n.value * 1000, 'seen', '{}', 1, 1 from links as l cross join json_each('[1, 2]') as n where l.session like 'sprf_%'`);
  database.close();
}

/** Writers that track, identify and erase until they are stopped → a function that stops them, and the people they erased. */
function startLoad(c) {
  const [load, erased] = [{ stopped: false, sent: 0 }, []];
  const write = async (writer) => {
    for (let n = 0; !load.stopped; n += 1) {
      const session = c.session();
      await c.track(session, { eventType: 'page_view', eventData: { writer, n } });
      const { profileId } = (await c.identify(session, `load${writer}-${n}@example.com`, { name: 'Load' })).body;
      if (n % 4 === 3) {
        const email = `load${writer}-${n}@example.com`;
        if ((await c.call('DELETE', `/api/admin/users/${profileId}`, undefined, c.admin)).status === 200) erased.push(email);
      }
      load.sent += 1;
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  return {
    erased,
    stop: async () => {
      load.stopped = true;
      await Promise.all(writers);
      return load.sent;
    },
  };
}

/** Figures that go on by themselves: a range ends now, and the circuit of a webhook is probed. */
const MOVING = new Set(['from', 'to', 'delivered', 'failed', 'held', 'pending', 'latencyMs', 'webhooks']);

describe('a backup', { concurrency: false }, () => {
  const world = {};
  const ends = [];
  /** Stands for a test in what must last as long as all of them. */
  const all = { after: (end) => ends.unshift(end) };
  let cli;

  before(async () => {
    cli = commandLine();
    all.after(() => cli.close());
    world.receiver = await startReceiver(({ path }) => (path === '/fails' ? 503 : 200));
    all.after(() => world.receiver.close());
    const state = newState(all);
    world.source = await startWrangler(state, await freePort());
    all.after(() => world.source.kill());
    const c = (world.c = await newCompany(world.source));
    world.other = await newCompany(world.source);
    await world.other.identify(world.other.session(), 'other@example.com', { name: 'Other' });
    world.delivered = await c.subscribe(`${world.receiver.url}/works`, ['payment_processed'], { headers: { 'X-Own': 'own-header' } });
    world.waiting = await c.subscribe(`${world.receiver.url}/fails`, ['payment_processed'], { retryAttempts: 5, retryDelay: HOUR_S });
    world.held = await c.subscribe(`${world.receiver.url}/held`, ['payment_processed'], { active: false });
    await addPeople(c);
    if (CROWD) {
      await world.source.kill();
      await addCrowd(state, c.companyId);
      const port = new URL(world.source.url).port;
      world.source = await startWrangler(state, port);
    }
    const erase = (await c.user('person1@example.com')).id;
    await c.call('DELETE', `/api/admin/users/${erase}`, undefined, c.admin);
    const [into, from] = [(await c.user('person2@example.com')).id, (await c.user('person3@example.com')).id];
    assert.equal((await c.call('POST', '/api/admin/identity/merge', { into, from }, c.admin)).status, 200);
    await until('attempts', async () => world.receiver.requests.filter(({ path }) => path === '/works').length >= PEOPLE / 5);
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** A Worker with an empty database, until the end of a test. */
  async function start(t) {
    const state = newState(t);
    const worker = await startWrangler(state, await freePort());
    t.after(() => worker.kill());
    return worker;
  }

  const run = (worker, ...args) => cli.run([...args, '--url', worker.url, '--json'], { env: { TRACKMATE_OPERATOR_KEY: worker.operatorKey } });
  const operator = (worker, method, path, body) => worker.call(method, path, body, { authorization: `Bearer ${worker.operatorKey}` });
  const get = async (worker, path) => (await worker.call('GET', path, undefined, world.c.admin)).body;
  const lines = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  /** The rows of a table in a file. */
  const rows = (file, table) => lines(file).filter((line) => line.table === table).flatMap((line) => line.rows);
  const nobody = async (worker) => assert.deepEqual((await operator(worker, 'GET', '/api/operator/companies')).body.companies, []);

  test('under load has all that was stored before, and every row it has names rows that it has', async (t) => {
    const load = startLoad(world.c);
    const file = join(cli.folder, 'load');
    const begun = await until('the load', async () => load.erased.length > 1 && Date.now());
    const { json } = done(await run(world.source, 'backup', file));
    const sent = await load.stop();
    t.diagnostic(`${json.rows} rows while ${sent} people were added and ${load.erased.length} erased, ${Date.now() - begun} ms`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(existsSync(`${file}.part`), false);

    const events = new Set(rows(file, 'events').map((row) => row[2]));
    for (let n = 0; n < PEOPLE; n += 1) if (n !== 1) assert.ok(events.has(`view-${n}`) && events.has(`identify-${n}`), `events of person ${n}`);
    const links = new Set(rows(file, 'links').map((row) => row[1]));
    const profiles = new Set(rows(file, 'profiles').map((row) => row[1]));
    const erased = new Set(rows(file, 'erasures').map((row) => row[1]));
    // What an erasure deletes between two pages is the exception, and the restore erases it again.
    assert.deepEqual(rows(file, 'events').filter((row) => row[3] !== '' && !links.has(row[3])), []);
    assert.deepEqual(rows(file, 'links').filter((row) => row[4] !== null && !profiles.has(row[4])), []);
    assert.deepEqual(rows(file, 'identities').filter((row) => !profiles.has(row[3])), []);
    assert.deepEqual(rows(file, 'deliveries').filter((row) => !events.has(row[4]) && !erased.has(row[13])), []);

    const target = await start(t);
    done(await run(target, 'restore', file));
    await until('the erasures', async () => {
      await target.sweep();
      const left = await operator(target, 'GET', '/api/operator/backup?table=erasures');
      return left.body.rows.every((row) => row[3] !== null);
    });
    const answer = JSON.stringify(await get(target, '/api/admin/users?limit=1000'));
    const known = new Set(rows(file, 'erasures').map((row) => row[1]));
    for (const id of known) assert.ok(!answer.includes(id));
    const again = join(cli.folder, 'again');
    done(await run(target, 'backup', again));
    assert.deepEqual(rows(again, 'links').filter((row) => known.has(row[4])), [], 'nothing is left of an erased person');
    assert.deepEqual(rows(again, 'identities').filter((row) => known.has(row[3])), []);
  });

  test('that was cut or changed is refused, and nothing is stored', async () => {
    const file = (world.file = join(cli.folder, 'trackmate.backup'));
    done(await run(world.source, 'backup', file));
    const target = (world.target = await start(all));
    const text = readFileSync(file, 'utf8');
    const changed = join(cli.folder, 'changed');
    for (const wrong of [text.slice(0, -10), text.slice(0, text.length / 2), text.replace('person5@', 'person6@'), text.split('\n').toSpliced(3, 1).join('\n'), `${text}x`, '']) {
      writeFileSync(changed, wrong);
      const { code, stderr } = await run(target, 'restore', changed);
      assert.equal(code, EXIT.failed, stderr);
    }
    writeFileSync(changed, text.replace(/"schema":"\w+"/, `"schema":"${'0'.repeat(64)}"`));
    assert.equal((await run(target, 'restore', changed)).code, EXIT.failed);
    await nobody(target);
    assert.equal((await run(world.source, 'restore', file)).code, EXIT.failed, 'where there is data');
    assert.equal((await run(world.source, 'backup', file)).code, EXIT.usage, 'over another file');
  });

  test('is restored in batches that fit, and nobody sees a part of it', async () => {
    const { target, file, c } = world;
    const [header, ...batches] = lines(file);
    const begin = { file: 'a'.repeat(64), schema: header.schema, beganAt: header.beganAt, secretsKeyId: header.secretsKeyId };
    const post = (path, body) => operator(target, 'POST', `/api/operator/restore${path}`, body);
    const [first] = batches;
    assertProblem(await post('/batches', { number: 0, table: first.table, rows: first.rows }), 409, 'conflict');
    assertProblem(await post('/end', { file: begin.file, batches: 0, rows: 0 }), 409, 'conflict');
    assertProblem(await post('', { ...begin, schema: 'b'.repeat(64) }), 400, 'invalid_field', 'schema');
    assertProblem(await post('', { ...begin, file: 'x' }), 400, 'invalid_field', 'file');
    assert.match(header.secretsKeyId, /^[0-9a-f]{64}$/);
    assertProblem(await post('', { ...begin, secretsKeyId: 'd'.repeat(64) }), 400, 'invalid_field', 'secretsKeyId');
    assert.equal((await post('', begin)).body.next, 0);
    assertProblem(await post('', { ...begin, file: 'c'.repeat(64) }), 409, 'conflict');
    const send = (number, line) => post('/batches', { number, table: line.table, rows: line.rows });
    assertProblem(await send(1, first), 409, 'conflict', 'number');
    assertProblem(await post('/batches', { number: 0, table: 'progress', rows: [['x', 'y']] }), 400, 'invalid_field', 'table');
    assertProblem(await post('/batches', { number: 0, table: 'tags', rows: [['TM-AAAA', 'x']] }), 400, 'invalid_field', 'rows');
    assertProblem(await post('/batches', { number: 0, table: 'tags', rows: [['TM-AAAA', 'x', 'y', 'no number']] }), 400, 'invalid_field', 'rows');
    const parts = batches.filter((line) => line.rows);
    for (const [number, line] of parts.entries()) {
      assert.equal((await send(number, line)).body.next, number + 1);
      if (number % 3 === 0) assert.equal((await send(number, line)).body.next, number + 1, 'a batch that is sent twice');
    }
    assert.equal((await post('', begin)).body.next, parts.length, 'a restore that goes on');
    await target.sweep();
    await nobody(target);
    assertProblem(await target.call('GET', '/api/admin/users', undefined, c.admin), 401, 'invalid_key');
    assert.equal((await target.call('POST', '/api/events', { company_id: c.companyId, sessionId: c.session(), events: [{ eventType: 'x' }] })).status, 404);
    assertProblem(await post('/end', { file: begin.file, batches: parts.length, rows: 1 }), 409, 'conflict');
    assertProblem(await post('/end', { file: 'c'.repeat(64), batches: parts.length, rows: 1 }), 409, 'conflict');
    done(await run(target, 'restore', '--abort'));
    for (let place = {}; place; ) {
      const { body } = await operator(target, 'GET', `/api/operator/backup?${new URLSearchParams(Object.entries(place).filter(([, value]) => value !== null))}`);
      assert.deepEqual(body.rows, [], body.table);
      place = body.next;
    }
  });

  test('has what its source has: exports and searches are equal, secrets open, deliveries go on, and who was erased stays erased', async () => {
    const { target, source, c } = world;
    // The lines of the documentation.
    const [{ text }] = samples('sh').filter((sample) => sample.info === 'restore');
    const shown = sentTo(target.url, text).replaceAll('npx trackmate', `'${trackmate()}'`);
    execFileSync('sh', ['-e', '-c', shown], { cwd: cli.folder, env: { PATH: process.env.PATH, HOME: cli.folder, OPERATOR_KEY: target.operatorKey } });
    const snapshot = Date.now();
    for (const path of ['users/ndjson', 'users/csv', 'events/ndjson', 'events/csv']) {
      const of = async (worker) => (await fetch(`${worker.url}/api/admin/export/${path}?snapshot=${snapshot}`, { headers: c.admin })).text();
      const [one, two] = [await of(source), await of(target)];
      assert.ok(one.length > PEOPLE * 50, path);
      assert.equal(two, one, path);
    }
    for (const search of ['ase', 'nr1', 'person12', 'ase nr4', 'nobodyatall']) {
      const found = async (worker) => (await get(worker, `/api/admin/users?limit=1000&search=${search}`)).users.map((user) => user.id);
      assert.deepEqual(await found(target), await found(source), search);
    }
    for (const path of ['/api/admin/stats', '/api/admin/settings', '/api/admin/groups']) {
      const shown = async (worker) => JSON.parse(JSON.stringify(await get(worker, path), (key, value) => (MOVING.has(key) ? undefined : value)));
      assert.deepEqual(await shown(target), await shown(source), path);
    }
    assertProblem(await target.call('POST', '/api/webhooks/events', { company_id: c.companyId, identifier: { email: 'person1@example.com' }, eventType: 'x' }, c.key), 410, 'erased_user');

    // The webhook that took nothing takes all of it, signed with the secret that only its creation has shown.
    const before = world.receiver.requests.length;
    assert.equal((await target.call('PATCH', `/api/admin/webhooks/${world.held.id}`, { active: true }, c.admin)).status, 200);
    const deliveries = await until('the held deliveries', async () => {
      await target.sweep();
      const found = world.receiver.requests.slice(before).filter(({ path }) => path === '/held');
      return found.length >= PEOPLE / 5 && found;
    });
    assert.ok(deliveries.every((request) => isSigned(request, world.held.secret)));
    const waiting = (await get(target, `/api/admin/webhooks/${world.waiting.id}`)).deliveries;
    assert.ok(waiting.length > 0 && waiting.every(({ status }) => status === 'pending' || status === 'held'), JSON.stringify(waiting[0]));
    await target.call('PATCH', `/api/admin/webhooks/${world.delivered.id}`, { name: 'Still open' }, c.admin);
    await target.call('POST', `/api/admin/webhooks/${world.delivered.id}/test`, {}, c.admin);
    const tested = world.receiver.requests.at(-1);
    assert.ok(isSigned(tested, world.delivered.secret) && tested.headers['x-own'] === 'own-header');
    assert.equal((await target.call('POST', '/api/events', { company_id: c.companyId, sessionId: c.session(), events: [{ eventType: 'x' }] })).status, 200);
  });

  test('of one company is restored beside others, and only where the company is not', async (t) => {
    const { source, other } = world;
    const file = join(cli.folder, 'one');
    done(await run(source, 'backup', file, '--company', other.companyId));
    assert.equal((await run(source, 'backup', join(cli.folder, 'none'), '--company', 'TM-NOBODY')).code, EXIT.notFound);
    assert.deepEqual(rows(file, 'companies').map(([id]) => id), [other.companyId]);
    assert.equal(rows(file, 'profiles').length, 1);
    const target = await start(t);
    const here = await newCompany(target);
    await here.identify(here.session(), 'here@example.com', {});
    done(await run(target, 'restore', file));
    assert.equal((await target.call('GET', '/api/admin/users', undefined, other.admin)).body.users[0].email, 'other@example.com');
    assert.equal((await here.get('/api/admin/users')).body.users.length, 1);
    const { entries } = (await target.call('GET', '/api/admin/audit', undefined, other.admin)).body;
    assert.equal(entries[0].action, 'company.restore');
    const again = await run(target, 'restore', file);
    assert.equal(again.code, EXIT.failed);
    assert.match(again.stderr, /this backup is restored already/);
    // The answer to the last request may be lost.
    const { sha256, end } = lines(file).at(-1);
    const last = (hash) => operator(target, 'POST', '/api/operator/restore/end', { file: hash, batches: end.batches, rows: end.rows });
    assert.equal((await last(sha256)).status, 200);
    assertProblem(await last('c'.repeat(64)), 409, 'conflict');
  });

  test('that was interrupted goes on where it stopped', async () => {
    const { source, file } = world;
    const whole = join(cli.folder, 'goes-on');
    const text = readFileSync(file, 'utf8');
    writeFileSync(`${whole}.part`, text.slice(0, text.indexOf('"table":"profiles"')));
    const { stderr } = done(await run(source, 'backup', whole));
    assert.match(stderr, /going on after \d+ rows/);
    const [header] = lines(whole);
    assert.equal(header.beganAt, lines(file)[0].beganAt);
    // The other tests have exported and changed nothing else on this Worker.
    for (const table of ['events', 'profiles', 'links', 'keys']) assert.deepEqual(rows(whole, table), rows(file, table), table);
    assert.equal((await run(source, 'restore', `${whole}.part`)).code, EXIT.failed);
  });
});
