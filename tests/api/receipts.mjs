// What became of the items that came in: listed with their reasons, followed as they come, and the whole story of one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

/** A stream of entries as they come → {entries, comments, ended, close}. */
export async function follow(trackMate, c, query = '', headers = {}) {
  const abort = new AbortController();
  const response = await fetch(`${trackMate.url}/api/admin/events/stream${query}`, { headers: { ...c.admin, ...headers }, signal: abort.signal });
  assert.equal(response.status, 200, await (response.status === 200 ? '' : response.text()));
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  const self = { entries: [], comments: 0, ended: false, close: () => abort.abort() };
  (async () => {
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 1).trimStart()]));
        if ('' in fields) self.comments += 1;
        if (!fields.data) continue;
        assert.equal(fields.event, 'incoming');
        const entry = JSON.parse(fields.data);
        assert.equal(String(entry.seq), fields.id);
        self.entries.push(entry);
      }
    }
    self.ended = true;
  })().catch(() => {});
  return self;
}

export default (trackMate) =>
  describe('receipts', () => {
    const rejected = async (c, query = '') => (await c.get(`/api/admin/events/rejected${query}`)).body.rejected;
    const told = (entry) => [entry.door, entry.outcome, entry.code, entry.eventType];

    test('of rejected items are kept with their reason and their shape, and nothing that was in them', async () => {
      const c = await newCompany(trackMate());
      const session = c.session();
      await c.track(session, { eventType: 'fine' }, { eventType: 'signup', messageId: 'm-1', timestamp: 'yesterday', eventData: { email: 'ada@secret.example', age: 41, tags: ['x'] } }, { eventData: {} });
      await c.tryServer({ eventType: 'paid', timestamp: 'soon', eventData: { amount: 79.99, iban: 'NO93 8601 1117 947' } });
      await c.tryServer({ eventType: 'paid', identifier: { userId: 'nobody-there' } });
      const all = await until('four', async () => (await rejected(c)).length === 4 && rejected(c));
      assert.deepEqual(all.map(told), [
        ['server', 'rejected', 'unknown_user', 'paid'],
        ['server', 'rejected', 'invalid_timestamp', 'paid'],
        ['browser', 'rejected', 'missing_field', null],
        ['browser', 'rejected', 'invalid_timestamp', 'signup'],
      ]);
      const [, paid, , signup] = all;
      assert.deepEqual(signup.eventData, { email: 'string(18)', age: 'number', tags: ['string(1)'] });
      assert.deepEqual([signup.messageId, signup.field, signup.sessionId, signup.timestamp, signup.userId], ['m-1', 'timestamp', session, null, null]);
      assert.match(signup.message, /ISO 8601/);
      assert.deepEqual(paid.eventData, { amount: 'number', iban: 'string(18)' });
      assert.ok(Math.abs(Date.parse(signup.at) - Date.now()) < 60_000);
      const stored = JSON.stringify((await (await trackMate().d1()).prepare('select * from incoming where company = ?1').bind(c.companyId).all()).results);
      for (const secret of ['ada@', 'NO93', '79.99', 'nobody-there', c.serverKey]) assert.ok(!stored.includes(secret), secret);
      assert.deepEqual((await rejected(c, '?code=missing_field')).map(told), [['browser', 'rejected', 'missing_field', null]]);
      assert.deepEqual((await rejected(c, '?eventType=paid&door=server')).length, 2);
      const page = (await c.get('/api/admin/events/rejected?limit=3')).body;
      assert.equal(page.pagination.hasMore, true);
      assert.deepEqual((await rejected(c, `?limit=3&cursor=${page.pagination.nextCursor}`)).map(told), [told(signup)]);
      for (const query of ['?code=nothing', '?door=back', '?limit=201']) assertProblem(await c.call('GET', `/api/admin/events/rejected${query}`, undefined, c.admin), 400, 'invalid_field');
      assertProblem(await c.call('GET', '/api/admin/events/rejected?cursor=bm8', undefined, c.admin), 400, 'invalid_cursor');
    });

    test('of whole requests say why, as far as their company is known', async () => {
      const c = await newCompany(trackMate());
      const { call } = trackMate();
      const session = c.session();
      const path = `/api/operator/companies/${c.companyId}/keys`;
      const operator = { authorization: `Bearer ${trackMate().operatorKey}` };
      const spare = (await call('POST', path, { scope: 'server' }, operator)).body.key;
      await call('DELETE', `${path}/${spare.id}`, undefined, operator);
      await call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'] }, c.admin);
      await c.events(session, [{ eventType: 'x' }], {}, { origin: 'https://evil.example' });
      await call('POST', '/api/events', `{"company_id":"${c.companyId}","sessionId":"${session}","events":[`);
      await c.tryIdentify(session, 'no-address');
      await call('POST', '/api/contacts', { company_id: c.companyId, email: '' });
      await c.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': spare.key });
      await c.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': c.adminKey });
      await c.tryServer({ eventType: 'strange', company_id: c.companyId }, { 'x-trackmate-api-key': 'tm_server_nobodys' });
      await c.tryServer({ eventType: 'x', company_id: 'TM-OTHER1' });
      await c.tryServer('{"eventType":');
      await c.tryServer('x'.repeat(600_000));
      const large = { company_id: c.companyId, sessionId: session, events: [{ eventType: 'x', eventData: { text: 'x'.repeat(600_000) } }] };
      await call('POST', '/api/events', large);
      const all = await until('eleven', async () => (await rejected(c)).length === 11 && rejected(c));
      assert.deepEqual(new Set(all.map((entry) => told(entry).join())), new Set([
        'browser,rejected,body_too_large,', 'browser,rejected,origin_not_allowed,', 'browser,rejected,invalid_json,', 'browser,rejected,invalid_email,identify', 'browser,rejected,missing_field,registration.submitted',
        'server,rejected,invalid_key,x', 'server,rejected,invalid_key,strange', 'server,rejected,wrong_scope,x', 'server,rejected,wrong_company,x', 'server,rejected,invalid_json,', 'server,rejected,body_too_large,',
      ]));
      assert.deepEqual(all.find((entry) => entry.code === 'invalid_email').eventData.email, 'string(10)');
    });

    test('of what is stored are kept while somebody watches, and only then', async () => {
      const c = await newCompany(trackMate());
      const session = c.session();
      await c.track(session, { eventType: 'unseen' });
      const [feed, payments] = await Promise.all([follow(trackMate(), c), follow(trackMate(), c, '?eventType=paid')]);
      await c.track(session, { eventType: 'page_view', messageId: 'p-1', eventData: { n: 1 } }, { eventType: 'page_view', messageId: 'p-1', eventData: { n: 1 } }, { eventType: 5 });
      await c.track(session, { eventType: 'page_view', messageId: 'p-1', eventData: { n: 1 } });
      const { profileId } = (await c.identify(session, 'ada@example.com', { name: 'Ada' })).body;
      await c.tryServer({ identifier: { email: 'ada@example.com' }, eventType: 'paid', messageId: 'o-1', eventData: { amount: 5, currency: 'USD' } });
      await c.tryServer({ eventType: 'paid', messageId: 'o-1' });
      await until('all of it', () => feed.entries.length === 7);
      const of = (eventType) => feed.entries.filter((entry) => entry.eventType === eventType).map((entry) => entry.outcome);
      assert.deepEqual([of('page_view'), of(null), of('identify'), of('paid')], [['stored', 'duplicate', 'duplicate'], ['rejected'], ['stored'], ['stored', 'duplicate']]);
      const paid = feed.entries.find((entry) => entry.eventType === 'paid');
      assert.deepEqual([paid.door, paid.messageId, paid.eventData, paid.userId, paid.userName], ['server', 'o-1', { amount: 5, currency: 'USD' }, profileId, 'Ada']);
      await until('the payments', () => payments.entries.length === 2);
      assert.deepEqual(payments.entries.map((entry) => entry.outcome), ['stored', 'duplicate']);
      const listed = (await c.get('/api/admin/events')).body.events;
      assert.deepEqual(listed.map((entry) => entry.seq), feed.entries.map((entry) => entry.seq).toReversed());
      assert.deepEqual((await c.get('/api/admin/events?outcome=stored&door=browser&eventType=page_view')).body.events.map((entry) => [entry.messageId, entry.userId]), [['p-1', profileId]]);
      assert.ok(feed.entries.every((entry, n) => n === 0 || entry.seq > feed.entries[n - 1].seq));
      for (const stream of [feed, payments]) stream.close();
    });

    test('are followed on from any entry by a reader that comes back, and misses nothing', async () => {
      const c = await newCompany(trackMate());
      const first = await follow(trackMate(), c, '?seconds=0');
      await until('its end', () => first.ended);
      assert.deepEqual([first.entries, first.comments], [[], 1]);
      for (let n = 0; n < 250; n += 50) await c.track(c.session(), ...Array.from({ length: 50 }, (_, i) => ({ eventType: `e${n + i}` })));
      const d1 = await trackMate().d1();
      await until('all noted', async () => (await d1.prepare('select count(*) as n from incoming where company = ?1').bind(c.companyId).first('n')) === 250);
      const all = await follow(trackMate(), c, '?after=0&seconds=0');
      await until('its end', () => all.ended);
      assert.equal(all.entries.length, 250);
      const middle = String(all.entries[99].seq);
      for (const [query, headers] of [[`?seconds=0&after=${middle}`, {}], ['?seconds=0', { 'last-event-id': middle }]]) {
        const rest = await follow(trackMate(), c, query, headers);
        await until('its end', () => rest.ended);
        assert.deepEqual(rest.entries, all.entries.slice(100));
      }
      for (const query of ['?after=x', '?seconds=31', '?seconds=-1', '?outcome=lost']) assertProblem(await c.call('GET', `/api/admin/events/stream${query}`, undefined, c.admin), 400, 'invalid_field');
      assertProblem(await c.call('GET', '/api/admin/events/stream'), 401, 'missing_key');
    });

    test('are followed by a stream that shows that it lives, is no load once nobody reads it, and stops at its time', async () => {
      const c = await newCompany(trackMate());
      const quiet = await follow(trackMate(), c, '?seconds=6&eventType=nothing');
      await c.track(c.session(), { eventType: 'passed over' });
      await until('a sign of life', () => quiet.comments >= 2);
      assert.deepEqual(quiet.entries, []);
      await until('its end', () => quiet.ended);
      const d1 = await trackMate().d1();
      const noted = () => d1.prepare('select count(*) as n from incoming where company = ?1').bind(c.companyId).first('n');
      assert.equal(await noted(), 1);
      await d1.prepare('update companies set watched_until = 1 where id = ?1').bind(c.companyId).run();
      await c.track(c.session(), { eventType: 'nobody looks' });
      await c.tryServer({ eventType: 'nobody looks' });
      await c.track(c.session(), { eventType: '' });
      await until('the rejected one', async () => (await noted()) === 2);
      assert.deepEqual((await rejected(c)).length, 1);
    });

    test('are followed no longer once the key of the stream is revoked', async () => {
      const c = await newCompany(trackMate());
      const { key } = (await c.call('POST', '/api/admin/keys', { scope: 'admin' }, c.admin)).body;
      const stream = await follow(trackMate(), { ...c, admin: { 'x-admin-id': key.key } });
      await c.track(c.session(), { eventType: 'before' });
      await until('an entry', () => stream.entries.length === 1);
      assert.equal((await c.call('DELETE', `/api/admin/keys/${key.id}`, undefined, c.admin)).status, 200);
      const revoked = Date.now();
      await until('its end', () => stream.ended);
      assert.ok(Date.now() - revoked < 15_000, `it went on for ${Date.now() - revoked} ms`);
    });

    test('tell the whole story of one: where it came in, whose it is and why, and each attempt to deliver it', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver(({ path }) => (path === '/bad' ? 400 : 200));
      t.after(() => receiver.close());
      const [good, bad] = [await c.subscribe(`${receiver.url}/good`, ['view']), await c.subscribe(`${receiver.url}/bad`, ['*'], { name: 'Bad' })];
      const session = c.session();
      await c.track(session, { eventType: 'view', messageId: 'v/1 é', timestamp: '2025-11-01T10:00:00+02:00', eventData: { n: 1 } });
      await c.track(c.session(), { eventType: 'other' });
      const get = async (id, query = '') => (await c.get(`/api/admin/events/${encodeURIComponent(id)}${query}`)).body;
      const ended = await until('both attempts', async () => {
        const receipt = await get('v/1 é');
        return receipt.deliveries.length === 2 && receipt.deliveries.every((d) => d.attempts.length === 1) && receipt;
      });
      assert.equal(ended.person, null);
      assert.deepEqual(
        [ended.event.door, ended.event.outcome, ended.event.timestamp, ended.event.originalTimestamp, ended.event.sessionId, ended.event.eventData],
        ['browser', 'stored', '2025-11-01T08:00:00.000Z', '2025-11-01T08:00:00.000Z', session, { n: 1 }],
      );
      const byHook = Object.fromEntries(ended.deliveries.map((d) => [d.webhookId, d]));
      assert.deepEqual([byHook[good.id].status, byHook[good.id].webhookName, byHook[good.id].attempts[0].statusCode], ['delivered', 'Test', 200]);
      assert.deepEqual([byHook[bad.id].status, byHook[bad.id].webhookName, byHook[bad.id].attempts[0].statusCode], ['failed_permanent', 'Bad', 400]);

      const said = { messageId: 'i-1', timestamp: '2025-11-01T09:00:00Z', name: 'Ada' };
      const { profileId } = (await c.identify(session, 'ada@example.com', said)).body;
      assert.deepEqual((await get('v/1 é')).person, { id: profileId, name: 'Ada', email: 'ada@example.com', linkedBy: { messageId: 'i-1', at: '2025-11-01T09:00:00.000Z', sessionId: session } });

      // The same id at the other door is another event.
      await c.tryServer({ identifier: { userId: profileId }, eventType: 'paid', messageId: 'v/1 é' });
      const paid = await get('v/1 é');
      assert.deepEqual([paid.event.door, paid.event.eventType, paid.person.id, paid.person.linkedBy], ['server', 'paid', profileId, null]);
      assert.equal((await get('v/1 é', '?door=browser')).event.eventType, 'view');

      await c.track(session, { eventType: 'bad', messageId: 'b-1', timestamp: 'never', eventData: { a: 'secret' } });
      const no = await until('a rejection', async () => {
        const answer = await c.call('GET', '/api/admin/events/b-1', undefined, c.admin);
        return answer.status === 200 && answer.body;
      });
      assert.deepEqual([no.event.outcome, no.event.code, no.event.field, no.event.eventData, no.person, no.deliveries], ['rejected', 'invalid_timestamp', 'timestamp', { a: 'string(6)' }, null, []]);
      await c.track(session, { eventType: 'bad', messageId: 'b-1' });
      assert.equal((await get('b-1')).event.outcome, 'stored');
      assertProblem(await c.call('GET', '/api/admin/events/unheard-of', undefined, c.admin), 404, 'not_found');
      assertProblem(await c.call('GET', '/api/admin/events/b-1?door=side', undefined, c.admin), 400, 'invalid_field', 'door');
    });

    test('have room for so many rejections a minute and door, whoever sends them', async () => {
      const c = await newCompany(trackMate());
      const bad = Array.from({ length: 500 }, (_, n) => ({ eventType: '', messageId: `b${n}` }));
      await Promise.all([1, 2, 3].map(() => c.events(c.session(), bad)));
      await c.tryServer({ eventType: '' });
      await until('the server’s', async () => (await rejected(c, '?door=server')).length === 1);
      const d1 = await trackMate().d1();
      await until('the browsers’', async () => (await d1.prepare('select count(*) as n from incoming where company = ?1 and ring = 1').bind(c.companyId).first('n')) === 120);
      await d1.prepare('update incoming set at = at - 8 * 86400000 where company = ?1').bind(c.companyId).run();
      await trackMate().sweep();
      assert.deepEqual(await rejected(c), []);
    });
  });
