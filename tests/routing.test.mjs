// Companies in several databases behind one Worker: each is found in its own, also after the directory has changed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startReceiver } from './support/receiver.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';
import tenants from './api/tenants.mjs';

const CELLS = ['DB', 'CELL_1', 'CELL_2', 'CELL_3'];
const DECLARED = { CELL_2: { jurisdiction: 'eu', region: 'weur' }, CELL_3: { jurisdiction: 'us' } };

describe('a deployment with several databases', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate({ D1_READ_REPLICAS: '1', CELLS: JSON.stringify(DECLARED) }, null, { cells: CELLS.length, jurisdictions: ['eu'] });
  });
  after(() => trackMate?.close());

  const operator = () => ({ authorization: `Bearer ${trackMate.operatorKey}` });
  const count = async (cell, table, { companyId }) =>
    (await trackMate.d1(cell)).prepare(`select count(*) as n from ${table} where ${table === 'companies' ? 'id' : 'company'} = ?`).bind(companyId).first('n');
  const set = async (cell, sql, ...params) => (await trackMate.d1(cell)).prepare(sql).bind(...params).run();

  test('stores a company whole in its database, and nothing of it in another', async () => {
    const company = await newCompany(trackMate, { cell: 'CELL_1' });
    const session = company.session();
    await company.track(session, { eventType: 'page_view' });
    const { profileId } = (await company.identify(session, 'ann@x.example', { name: 'Ann' })).body;
    await company.server({ userId: profileId }, 'paid');
    assert.deepEqual(await company.names(profileId), ['page_view', 'user_registered', 'paid']);
    for (const table of ['companies', 'keys', 'events', 'profiles', 'identities', 'links']) {
      assert.ok((await count('CELL_1', table, company)) > 0, table);
      for (const other of ['DB', 'CELL_2']) assert.equal(await count(other, table, company), 0, `${table} in ${other}`);
    }
  });

  test('keeps companies apart that share sessions, message ids and addresses, each in its database', async () => {
    const companies = await Promise.all(CELLS.map((cell) => newCompany(trackMate, { cell })));
    const people = [];
    for (const [n, company] of companies.entries()) {
      await company.track('session-1', { eventType: `seen_${n}`, messageId: 'm-1' });
      people.push((await company.identify('session-1', 'same@x.example', { name: `Person ${n}`, messageId: 'i-1' })).body.profileId);
    }
    for (const [n, company] of companies.entries()) {
      assert.deepEqual((await company.timeline(people[n])).events.map((e) => e.eventType), [`seen_${n}`, 'user_registered']);
      assert.equal((await company.user('same@x.example')).name, `Person ${n}`);
      for (const other of people.filter((id) => id !== people[n])) assertProblem(await company.call('GET', `/api/admin/users/${other}`, undefined, company.admin), 404, 'unknown_user');
    }
  });

  test('chooses the database of a new company by jurisdiction and region, and says so in the list', async () => {
    const { body } = await trackMate.call('POST', '/api/operator/companies', { name: 'Europe', jurisdiction: 'eu', region: 'weur' }, operator());
    assert.equal(body.company.cell, 'CELL_2');
    assertProblem(await trackMate.call('POST', '/api/operator/companies', { name: 'x', jurisdiction: 'fedramp' }, operator()), 409, 'limit_reached');
    assertProblem(await trackMate.call('POST', '/api/operator/companies', { name: 'x', cell: 'CELL_9' }, operator()), 409, 'limit_reached');
    assertProblem(await trackMate.call('POST', '/api/operator/companies', { name: 'x', companyId: body.company.id, cell: 'CELL_1' }, operator()), 409, 'conflict', 'companyId');
    const listed = [];
    for (let cursor = ''; cursor !== null; ) {
      const page = (await trackMate.call('GET', `/api/operator/companies?limit=2${cursor && `&cursor=${cursor}`}`, undefined, operator())).body;
      listed.push(...page.companies);
      cursor = page.pagination.nextCursor;
    }
    assert.deepEqual(listed.find(({ id }) => id === body.company.id), body.company);
    assert.deepEqual(listed.map(({ id }) => id), listed.map(({ id }) => id).toSorted(), 'each once, in the order of ids');
    assert.equal(new Set(listed.map(({ id }) => id)).size, listed.length);
    assert.ok(listed.every(({ name, createdAt, cell }) => name && createdAt > '2026' && CELLS.includes(cell)));
  });

  test('makes one company of an id, whichever databases are asked for, also at the same time', async () => {
    for (const companyId of ['TM-TWINS1', 'TM-TWINS2', 'TM-TWINS3', 'TM-TWINS4']) {
      const make = (cell) => trackMate.call('POST', '/api/operator/companies', { name: 'Twins', companyId, cell }, operator());
      const made = await Promise.all(CELLS.map(make));
      assert.deepEqual(made.map(({ status }) => status).toSorted(), [200, 409, 409, 409]);
      for (const cell of CELLS) assertProblem(await make(cell), 409, 'conflict', 'companyId');
      const { body } = made.find(({ status }) => status === 200);
      const counts = await Promise.all(CELLS.map((cell) => count(cell, 'companies', { companyId })));
      assert.deepEqual(counts, CELLS.map((cell) => (cell === body.company.cell ? 1 : 0)));
      assert.equal((await trackMate.call('GET', '/api/admin/keys', undefined, { 'x-admin-id': body.keys.admin.key })).body.keys.length, 2);
    }
  });

  test('opens the right database for a key that was added later, and for none that was revoked', async () => {
    const company = await newCompany(trackMate, { cell: 'CELL_1' });
    const { key } = (await company.call('POST', '/api/admin/keys', { scope: 'server' }, company.admin)).body;
    const send = () => company.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': key.key });
    assert.equal((await send()).status, 200);
    assert.equal((await company.call('DELETE', `/api/admin/keys/${key.id}`, undefined, company.admin)).status, 200);
    assertProblem(await send(), 401, 'invalid_key');
  });

  test('pays nothing for it once an isolate knows the place: the same trips, and no row written', async () => {
    const costs = [];
    for (const cell of ['DB', 'CELL_1']) {
      const company = await newCompany(trackMate, { cell });
      const { cost: cold } = await company.track('s', { eventType: 'e' });
      const { cost: warm } = await company.track('s', { eventType: 'e' });
      assert.ok(cold.trips <= 2);
      assert.equal(warm.trips, 1);
      costs.push(warm.written);
    }
    assert.equal(costs[0], costs[1]);
  });

  test('follows a company that is elsewhere by now, without a restart', async () => {
    const company = await newCompany(trackMate, { cell: 'CELL_1' });
    await company.track('s', { eventType: 'before' });
    // A move by hand: the rows that a new company has, the directory, and the mark in the old database.
    const d1 = await trackMate.d1('CELL_1');
    for (const table of ['companies', 'keys']) {
      const { results } = await d1.prepare(`select * from ${table} where ${table === 'companies' ? 'id' : 'company'} = ?`).bind(company.companyId).all();
      for (const row of results) {
        const columns = Object.keys(row);
        await set('CELL_2', `insert into ${table} (${columns}) values (${columns.map(() => '?')})`, ...Object.values(row));
      }
    }
    await set('CELL_1', "insert into away (company, state, since) values (?, 'gone', 1)", company.companyId);
    await set('DB', "update places set cell = 'CELL_2' where company = ?", company.companyId);
    assert.equal((await company.track('s', { eventType: 'after' })).body.accepted, 1);
    assert.equal((await company.server(undefined, 'after')).body.accepted, 1);
    assert.deepEqual((await company.get('/api/admin/keys')).body.keys.length, 2);
    assert.equal(await count('CELL_1', 'events', company), 1);
    assert.equal(await count('CELL_2', 'events', company), 2);
  });

  test('gives the backup of a company from its database', async () => {
    const company = await newCompany(trackMate, { cell: 'CELL_2' });
    await company.track('s', { eventType: 'e' });
    const { body } = await trackMate.call('GET', `/api/operator/backup?company=${company.companyId}&table=events`, undefined, operator());
    assert.equal(body.rows.length, 1);
  });

  test('buffers what arrives while a company is switched, and stores it afterwards', async () => {
    const company = await newCompany(trackMate, { cell: 'CELL_1' });
    await company.track('s', { eventType: 'before' });
    await set('CELL_1', "insert into away (company, state, since) values (?, 'leaving', 1)", company.companyId);
    assert.equal((await company.track('s', { eventType: 'meanwhile' })).body.queued, true);
    assert.equal((await company.server(undefined, 'meanwhile')).body.queued, true);
    assertProblem(await company.call('GET', '/api/admin/users', undefined, company.admin), 503, 'unavailable');
    assert.equal(await count('CELL_1', 'events', company), 1);
    await set('CELL_1', 'delete from away where company = ?', company.companyId);
    await until('the buffered events', async () => (await count('CELL_1', 'events', company)) === 3);
  });

  test('buffers what must stay in a jurisdiction in a queue there, and refuses it if there is none', async () => {
    for (const [cell, isBuffered] of [['CELL_2', true], ['CELL_3', false]]) {
      const company = await newCompany(trackMate, { cell });
      await company.track('s', { eventType: 'before' });
      await company.server(undefined, 'before');
      await set(cell, "insert into away (company, state, since) values (?, 'leaving', 1)", company.companyId);
      const meanwhile = [await company.events('s', [{ eventType: 'meanwhile' }]), await company.tryServer({ eventType: 'meanwhile' })];
      for (const answer of meanwhile) {
        if (isBuffered) assert.equal(answer.body.queued, true);
        else assertProblem(answer, 503, 'unavailable');
      }
      await set(cell, 'delete from away where company = ?', company.companyId);
      if (isBuffered) await until('the buffered events', async () => (await count(cell, 'events', company)) === 4);
      else assert.equal(await count(cell, 'events', company), 2);
    }
  });

  test('sweeps every database, also while one of them fails, and lists what it saw', async () => {
    const receiver = await startReceiver(({ json }) => (json.metadata.messageId && receiver.requests.length < 3 ? 500 : 200));
    after(() => receiver.close());
    const company = await newCompany(trackMate, { cell: 'CELL_2' });
    await company.subscribe(receiver.url, ['ping'], { retryAttempts: 3, retryDelay: 3600 });
    await company.server(undefined, 'ping');
    await until('the first attempt', async () => (await (await trackMate.d1('CELL_2')).prepare("select 1 as n from deliveries where company = ? and attempts = 1 and state = 'pending'").bind(company.companyId).first('n')) === 1);
    await set('CELL_2', "update deliveries set due_at = 1 where company = ?", company.companyId);
    await set('CELL_1', 'alter table subscriptions rename to subscriptions_away');
    await trackMate.sweep();
    await until('the delivery that was due', () => receiver.requests.length > 1);
    await set('CELL_1', 'alter table subscriptions_away rename to subscriptions');
    await trackMate.sweep();
    const { results } = await (await trackMate.d1()).prepare('select cell, jurisdiction, companies, bytes, schema, error from cells order by cell').all();
    assert.deepEqual(results.map(({ cell, jurisdiction, error }) => [cell, jurisdiction, error]), [['CELL_1', null, null], ['CELL_2', 'eu', null], ['CELL_3', 'us', null], ['DB', null, null]]);
    assert.ok(results.every(({ companies, bytes, schema }) => companies > 0 && bytes > 0 && schema > 0));
  });

  // The walls between companies hold wherever they are.
  let next = 0;
  const spread = () => ({ ...trackMate, companies: (wanted) => trackMate.companies({ cell: CELLS[(next += 1) % CELLS.length], ...wanted }) });
  tenants(spread);
});
