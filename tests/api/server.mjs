// POST /api/webhooks/events: what customers' servers send.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('server events', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('bind by e-mail, by session and by user id to one person, in one server session', async () => {
      const c = await company();
      const sessionId = c.session();
      await c.track(sessionId, { eventType: 'page_view' });
      const { profileId } = (await c.identify(sessionId, 'sarah@example.com')).body;
      for (const identifier of [{ email: 'Sarah@Example.com' }, { sessionId }, { userId: profileId }]) {
        const { body } = await c.server(identifier, 'order_shipped');
        assert.deepEqual([body.profileId, body.linked, body.created, body.accepted], [profileId, true, false, 1]);
        assert.match(body.messageId, /^m_/);
      }
      const { events, summary } = await c.timeline(profileId);
      const server = events.filter((e) => e.source === 'webhook');
      assert.equal(server.length, 3);
      assert.equal(new Set(server.map((e) => e.sessionId)).size, 1);
      assert.match(server[0].sessionId, /^webhook_\d+_[0-9a-f]{32}$/);
      assert.deepEqual(summary.sessions, { total: 2, client: 1, server: 1 });
    });

    test('for an unknown address make the person, whom a later identify finds', async () => {
      const c = await company();
      const { body } = await c.server({ email: 'buyer@example.com' }, 'payment_processed', { eventData: { amount: 5, currency: 'USD' } });
      assert.deepEqual([body.linked, body.created], [true, true]);
      const session = c.session();
      await c.track(session, { eventType: 'page_view' });
      assert.equal((await c.identify(session, 'Buyer@example.com', { name: 'Buyer' })).body.profileId, body.profileId);
      assert.equal((await c.user('buyer@example.com')).name, 'Buyer');
      assert.deepEqual((await c.names(body.profileId)).toSorted(), ['page_view', 'payment_processed', 'user_registered']);
    });

    test('for a session nobody is known on join whoever is identified there later', async () => {
      const c = await company();
      const sessionId = c.session();
      const { body } = await c.server({ sessionId }, 'early');
      assert.deepEqual([body.profileId, body.linked], [null, false]);
      const { profileId } = (await c.identify(sessionId, 'later@example.com')).body;
      const { events, summary } = await c.timeline(profileId);
      assert.deepEqual(events.map((e) => [e.eventType, e.source]), [['early', 'webhook'], ['user_registered', 'browser']]);
      assert.deepEqual(summary.sessions, { total: 2, client: 1, server: 1 });
    });

    test('by the id of a server session join its person, and never open one of their own', async () => {
      const c = await company();
      const sessionId = c.session();
      const { profileId } = (await c.identify(sessionId, 'webhook-session@example.com')).body;
      await c.server({ sessionId }, 'first');
      const shown = (await c.timeline(profileId)).events.find((e) => e.source === 'webhook').sessionId;
      const event = { eventType: 'x', identifier: { sessionId: shown } };
      assertProblem(await c.tryServer(event), 400, 'invalid_session', 'identifier.sessionId');
      await c.server({ userId: profileId }, 'second');
      assert.equal((await c.tryServer(event)).body.profileId, profileId);
      assert.deepEqual(await c.names(profileId), ['user_registered', 'first', 'second', 'x']);
      for (const bad of [`webhook_${'x'.repeat(200)}`, 'webhook_\u0000', 'webhook_1_unknown']) {
        assertProblem(await c.tryServer({ ...event, identifier: { sessionId: bad } }), 400, 'invalid_session', 'identifier.sessionId');
      }
    });

    test('that bring nothing new make nobody', async () => {
      const c = await newCompany(trackMate());
      await c.tryServer({ eventType: 'x', messageId: 'taken' });
      const identifier = { email: 'nobody@example.com' };
      for (const body of [{ events: [] }, { events: [{}] }, { eventType: 'x', messageId: 'taken' }]) {
        const answer = (await c.tryServer({ identifier, ...body })).body;
        assert.deepEqual([answer.success, answer.accepted, answer.profileId, answer.created, answer.linked], [true, 0, null, false, false]);
      }
      assert.deepEqual((await c.get('/api/admin/users')).body.users, []);
      assertProblem(await c.tryServer({ eventType: 'x', identifier: { email: ' ' } }), 400, 'invalid_field', 'identifier.email');
    });

    test('without an identifier are stored for nobody', async () => {
      const c = await company();
      const { body } = await c.tryServer({ eventType: 'rebuild', eventData: { models_count: 167 } });
      assert.deepEqual([body.success, body.profileId, body.linked, body.accepted], [true, null, false, 1]);
    });

    test('with ids that disagree go to the first by priority, with a warning, and merge nothing', async () => {
      const c = await company();
      const a = (await c.identify(c.session(), 'a@example.com')).body.profileId;
      const b = (await c.identify(c.session(), 'b@example.com')).body.profileId;
      const { body } = await c.server({ userId: a, email: 'b@example.com' }, 'odd');
      assert.equal(body.profileId, a);
      assert.deepEqual(body.warnings.map((w) => w.code), ['identity_conflict']);
      assert.deepEqual([await c.names(a), await c.names(b)], [['user_registered', 'odd'], ['user_registered']]);
      assert.equal((await c.server({ userId: a, email: 'a@example.com' }, 'even')).body.warnings, undefined);
      assert.equal((await c.server({ userId: a, email: 'unknown@example.com' }, 'stranger')).body.warnings.length, 1);
    });

    test('come in batches, the good beside the bad', async () => {
      const c = await company();
      const { body } = await c.tryServer({ identifier: { email: 'batch@example.com' }, events: [{ eventType: 'a' }, {}, { eventType: 'b' }] });
      assert.deepEqual([body.accepted, body.duplicates, body.rejected.length, body.created], [2, 0, 1, true]);
      assert.deepEqual(await c.names(body.profileId), ['a', 'b']);
    });

    test('sent twice are stored once', async () => {
      const c = await company();
      const send = () => c.server({ email: 'twice@example.com' }, 'paid', { messageId: 'pay-1', eventData: { amount: 1 } });
      const [first, second] = [(await send()).body, (await send()).body];
      assert.deepEqual([first.accepted, second.accepted, second.duplicates, second.messageId], [1, 0, 1, 'pay-1']);
      assert.equal((await c.timeline(first.profileId)).summary.totalEvents, 1);
    });

    test('are refused with a code when the key or the person is wrong', async () => {
      const c = await company();
      const other = await newCompany(trackMate());
      const { profileId } = (await other.identify(other.session(), 'foreign@example.com')).body;
      const event = { eventType: 'x' };
      assertProblem(await c.tryServer(event, {}), 401, 'missing_key');
      assertProblem(await c.tryServer('nonsense', { 'x-trackmate-api-key': 'tm_live_wrong' }), 401, 'invalid_key');
      assertProblem(await c.tryServer(event, { 'x-trackmate-api-key': c.adminKey }), 403, 'wrong_scope');
      assertProblem(await c.tryServer({ ...event, company_id: other.companyId }), 401, 'wrong_company', 'company_id');
      assertProblem(await c.tryServer({ ...event, identifier: { userId: profileId } }), 404, 'unknown_user', 'identifier.userId');
      assertProblem(await c.tryServer({ ...event, identifier: { email: 'nonsense' } }), 400, 'invalid_email', 'identifier.email');
      assertProblem(await c.tryServer('nonsense'), 400, 'invalid_json');
      assertProblem(await c.tryServer({}), 400, 'missing_field', 'eventType');
      assert.equal((await c.tryServer(event, { authorization: `Bearer ${c.serverKey}` })).status, 200);
    });

    test('are stored by what is true at that moment, whatever an isolate knows of their key: a merge, an erasure, a revocation', async () => {
      const c = await newCompany(trackMate());
      const { key } = (await c.call('POST', '/api/admin/keys', { scope: 'server' }, c.admin)).body;
      const send = (identifier) => c.tryServer({ identifier, eventType: 'x' }, { 'x-trackmate-api-key': key.key });
      const email = 'known@example.com';
      const [known, other] = [(await send({ email })).body.profileId, (await send({ email: 'other@example.com' })).body.profileId];
      for (const identifier of [{ email }, { userId: known }]) {
        const { body, cost } = await send(identifier);
        assert.deepEqual([body.profileId, body.accepted, cost.trips], [known, 1, 1]);
      }
      assert.equal((await c.call('POST', '/api/admin/identity/merge', { from: known, into: other }, c.admin)).status, 200);
      for (const identifier of [{ email }, { userId: known }]) {
        const { body, cost } = await send(identifier);
        assert.deepEqual([body.profileId, body.accepted, cost.trips], [other, 1, 1]);
      }
      const stored = async () => (await (await trackMate().d1()).prepare("select count(*) as n from events where company = ?1 and type = 'x'").bind(c.companyId).first('n'));
      assert.equal(await stored(), 6);
      assert.equal((await c.call('DELETE', `/api/admin/users/${other}`, undefined, c.admin)).status, 200);
      const left = await stored();
      for (const identifier of [{ userId: known }, { email }]) assertProblem(await send(identifier), 410, 'erased_user');
      assert.equal((await c.call('DELETE', `/api/admin/keys/${key.id}`, undefined, c.admin)).status, 200);
      const { profileId } = (await c.server({ email: 'third@example.com' }, 'y')).body;
      for (const identifier of [undefined, { sessionId: c.session() }, { email: 'third@example.com' }, { userId: profileId }]) {
        assertProblem(await send(identifier), 401, 'invalid_key');
        const headers = { authorization: `Basic ${Buffer.from(`${key.key}:`).toString('base64')}` };
        assertProblem(await c.call('POST', '/v1/track', { event: 'x', anonymousId: 'v-1' }, headers), 401, 'invalid_key');
      }
      assert.ok(await stored() <= left, 'nothing was stored');
    });

    test('for an erased user answer 410', async () => {
      const c = await company();
      const { profileId } = (await c.identify(c.session(), 'gone@example.com')).body;
      const d1 = await trackMate().d1();
      await d1.prepare('update profiles set erased_at = 1 where company = ?1 and id = ?2').bind(c.companyId, profileId).run();
      assertProblem(await c.tryServer({ eventType: 'x', identifier: { userId: profileId } }), 410, 'erased_user');
      assertProblem(await c.call('GET', `/api/admin/users/${profileId}`, undefined, c.admin), 410, 'erased_user');
    });
  });
