// POST /api/profile: who is who, and what a public caller cannot do.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

const at = (minute) => `2025-10-18T10:${String(minute).padStart(2, '0')}:00.000Z`;

export default (trackMate) =>
  describe('identify', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('gives a person all that the session did before, and all it does later', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, { eventType: 'before', timestamp: at(1) });
      const { body } = await c.identify(session, 'sarah@example.com', { name: 'Sarah', timestamp: at(2) });
      await c.track(session, { eventType: 'after', timestamp: at(3) });
      assert.deepEqual(await c.names(body.profileId), ['before', 'user_registered', 'after']);
    });

    test('finds one person however the address is typed', async () => {
      const c = await company();
      const ids = [];
      for (const email of ['José@Example.com', '  josé@example.COM ', 'jose\u0301@example.com']) {
        ids.push((await c.identify(c.session(), email)).body.profileId);
      }
      assert.equal(new Set(ids).size, 1);
    });

    test('makes one person of many requests at once', async () => {
      const c = await company();
      const answers = await Promise.all(Array.from({ length: 12 }, () => c.identify(c.session(), 'crowd@example.com')));
      const server = await Promise.all(Array.from({ length: 12 }, () => c.server({ email: 'crowd2@example.com' }, 'x')));
      assert.equal(new Set(answers.map((a) => a.body.profileId)).size, 1);
      assert.equal(new Set(server.map((a) => a.body.profileId)).size, 1);
      assert.equal(server.filter((a) => a.body.created).length, 1);
      const { summary } = await c.timeline(answers[0].body.profileId);
      assert.deepEqual([summary.totalEvents, summary.sessions.client], [12, 12]);
      assert.equal((await c.timeline(server[0].body.profileId)).summary.totalEvents, 12);
    });

    test('is the registration for the first that comes and a login for the others, whatever their times say', async () => {
      const c = await company();
      const sessions = [c.session(), c.session(), c.session()];
      for (const [n, minute] of [[0, 9], [1, 3], [2, 6]]) {
        await c.identify(sessions[n], 'thrice@example.com', { timestamp: at(minute) });
      }
      const { id } = await c.user('thrice@example.com');
      const { events } = await c.timeline(id);
      assert.deepEqual(events.map((e) => [e.eventType, e.timestamp]), [
        ['identify', at(3)],
        ['identify', at(6)],
        ['user_registered', at(9)],
      ]);
    });

    test('of a second person on one device takes nothing of the first', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, { eventType: 'anonymous', timestamp: at(1) });
      const alice = (await c.identify(session, 'alice@example.com', { timestamp: at(2) })).body.profileId;
      await c.track(session, { eventType: 'of_alice', timestamp: at(3) });
      const bob = (await c.identify(session, 'bob@example.com', { timestamp: at(4) })).body.profileId;
      await c.track(session, { eventType: 'of_bob', timestamp: at(5) }, { eventType: 'of_alice_late', timestamp: '2025-10-18T10:03:30Z' });
      assert.deepEqual(await c.names(alice), ['anonymous', 'user_registered', 'of_alice', 'of_alice_late']);
      assert.deepEqual(await c.names(bob), ['user_registered', 'of_bob']);
      assert.equal((await c.timeline(bob)).summary.totalEvents, 2);
    });

    test('that arrives late gives its person what lies in its time', async () => {
      const c = await company();
      const session = c.session();
      await c.identify(session, 'first@example.com', { timestamp: at(1) });
      const pay = { eventType: 'payment_processed', eventData: { amount: 5, currency: 'EUR' }, timestamp: at(5) };
      await c.track(session, { eventType: 'early', timestamp: at(2) }, pay);
      await c.identify(session, 'second@example.com', { timestamp: at(4) });
      const first = await c.timeline((await c.user('first@example.com')).id);
      const second = await c.timeline((await c.user('second@example.com')).id);
      assert.deepEqual(first.events.map((e) => e.eventType), ['user_registered', 'early']);
      assert.deepEqual([first.summary.totalEvents, first.summary.totalRevenue, first.summary.lastActive], [2, [], at(2)]);
      assert.deepEqual(second.events.map((e) => e.eventType), ['user_registered', 'payment_processed']);
      assert.deepEqual(second.summary.totalRevenue, [{ currency: 'EUR', amount: 5 }]);
    });

    test('sent twice is one entry', async () => {
      const c = await company();
      const session = c.session();
      const ids = [];
      for (let n = 0; n < 3; n += 1) ids.push((await c.identify(session, 'retry@example.com', { messageId: `i-${session}` })).body.profileId);
      for (let n = 0; n < 2; n += 1) ids.push((await c.identify(session, 'retry@example.com', { timestamp: at(1) })).body.profileId);
      assert.equal(new Set(ids).size, 1);
      assert.equal((await c.timeline(ids[0])).summary.totalEvents, 2);
    });

    test('refuses what is no address', async () => {
      const c = await company();
      for (const [email, code] of [
        [undefined, 'missing_field'],
        ['', 'missing_field'],
        ['sarah', 'invalid_email'],
        [`${'a'.repeat(250)}@x.io`, 'invalid_email'],
        ['null', 'placeholder_id'],
        ['undefined', 'placeholder_id'],
        ['[object Object]', 'placeholder_id'],
        ['anonymous', 'placeholder_id'],
      ]) {
        assertProblem(await c.tryIdentify(c.session(), email), 400, code, 'email');
      }
      assertProblem(await c.tryIdentify('webhook_1_abc', 'a@b.example'), 400, 'invalid_session');
      assertProblem(await c.tryIdentify(c.session(), 'a@b.example', { name: { first: 'x' } }), 400, 'invalid_field', 'name');
    });
  });

export const attacks = (trackMate) =>
  describe('a stranger with the public company id', () => {
    const world = {};
    const victim = async () => {
      if (!world.company) {
        const c = (world.company = await newCompany(trackMate()));
        world.session = c.session();
        await c.identify(world.session, 'victim@example.com', { name: 'Victim', city: 'Oslo', timestamp: at(1) });
        await c.server({ email: 'victim@example.com' }, 'payment_processed', { eventData: { amount: 10, currency: 'USD' }, messageId: 'order-1' });
      }
      return { c: world.company, session: world.session, user: await world.company.user('victim@example.com') };
    };

    test('cannot tell a known address from an unknown one', async () => {
      const { c } = await victim();
      const shape = ({ status, headers, body }) => ({ status, keys: Object.keys(body), id: body.profileId?.length, type: headers.get('content-type') });
      const known = await c.tryIdentify(c.session(), 'victim@example.com');
      const unknown = await c.tryIdentify(c.session(), 'nobody@example.com');
      assert.deepEqual(shape(known), shape(unknown));
      assert.deepEqual(shape(known).keys, ['success', 'profileId']);
      // Nor by a message id that is already taken.
      const session = c.session();
      await c.track(session, { eventType: 'x', messageId: 'taken' });
      const answers = [];
      for (const email of ['victim@example.com', 'nobody2@example.com']) answers.push(await c.tryIdentify(session, email, { messageId: 'taken' }));
      for (const answer of answers) assertProblem(answer, 409, 'conflict', 'messageId');
    });

    test('overwrites nothing of a person by claiming their address', async () => {
      const { c, user: before } = await victim();
      await c.identify(c.session(), 'VICTIM@example.com', { name: 'Mallory', city: 'Nowhere', id: 'x', company_id2: 'y', extra: 1 });
      const { user: after } = await victim();
      const kept = ({ id, email, name, createdAt, traits }) => ({ id, email, name, createdAt, name2: traits.name, city: traits.city });
      assert.deepEqual(kept(after), kept(before));
    });

    test('cannot make a person older, or their profile larger than its bound', async () => {
      const { c, user: before } = await victim();
      await c.identify(c.session(), 'victim@example.com', { timestamp: '1999-01-01T00:00:00Z' });
      for (let n = 0; n < 4; n += 1) await c.identify(c.session(), 'victim@example.com', { [`junk${n}`]: 'x'.repeat(15_000) });
      const { user: after } = await victim();
      assert.equal(after.createdAt, before.createdAt);
      assert.ok(JSON.stringify(after.traits).length <= 32 * 1024 + 100);
      assert.equal(after.traits.city, 'Oslo');
    });

    test('cannot change when a known person registered, nor have it said again', async () => {
      const { c } = await victim();
      const webhook = await c.subscribe('http://127.0.0.1:9/hook', ['user_registered', 'identify']);
      const { subscribedAt } = (await c.user('victim@example.com')).timestamps;
      for (const second of [9, 8, 7]) await c.identify(c.session(), 'victim@example.com', { timestamp: `1975-01-01T00:00:0${second}Z` });
      assert.equal((await c.user('victim@example.com')).timestamps.subscribedAt, subscribedAt);
      assert.deepEqual(new Set((await c.deliveries(webhook.id)).map((delivery) => delivery.event)), new Set(['identify']));
      await c.call('DELETE', `/api/admin/webhooks/${webhook.id}`, undefined, c.admin);
    });

    test('cannot make an identify dear by claiming thousands of traits', async () => {
      const { c } = await victim();
      await c.call('POST', '/api/admin/webhooks', { name: 'Off', url: 'http://127.0.0.1:9/hook', events: ['user.*'], active: false }, c.admin);
      const traits = (prefix, count) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, n]));
      for (const more of [traits('a', 251), { nested: traits('a', 251) }]) {
        assertProblem(await c.tryIdentify(c.session(), 'traits@example.com', more), 400, 'event_too_large');
      }
      await c.identify(c.session(), 'traits@example.com', traits('a', 200));
      for (const more of [traits('b', 40), traits('c', 250), traits('a', 250)]) {
        const { cost } = await c.identify(c.session(), 'traits@example.com', more);
        assert.ok(cost.read <= 2000, `${cost.read} rows read`);
      }
      const names = Object.keys((await c.user('traits@example.com')).traits);
      assert.ok(names.length <= 250, `${names.length} traits`);
      assert.ok(['a199', 'b39'].every((name) => names.includes(name)) && !names.includes('c0'), 'what came first stays, and all that fits');
    });

    test('cannot put events on a person through ids that only servers use', async () => {
      const { c, user } = await victim();
      const { events } = await c.timeline(user.id);
      const webhook = events.find((e) => e.source === 'webhook').sessionId;
      assertProblem(await c.events(webhook, [{ eventType: 'planted' }]), 400, 'invalid_session');
      assertProblem(await c.tryIdentify(webhook, 'mallory@example.com'), 400, 'invalid_session');
      assertProblem(await c.call('POST', '/api/webhooks/events', { company_id: c.companyId, identifier: { userId: user.id }, eventType: 'planted' }), 401, 'missing_key');
      assert.ok(!(await c.names(user.id)).includes('planted'));
    });

    test("cannot keep a server's event out by taking its message id first", async () => {
      const { c, user } = await victim();
      await c.track(c.session(), { eventType: 'squatter', messageId: 'order-2' });
      const { body } = await c.server({ userId: user.id }, 'payment_processed', { eventData: { amount: 1, currency: 'USD' }, messageId: 'order-2' });
      assert.deepEqual([body.accepted, body.duplicates], [1, 0]);
      assert.ok((await c.timeline(user.id)).events.some((e) => e.messageId === 'order-2'));
    });

    test('reads nothing: no public route answers with stored data', async () => {
      const { c, user } = await victim();
      for (const path of ['/api/events', '/api/profile', '/api/webhooks/events']) {
        assertProblem(await c.call('GET', `${path}?company_id=${c.companyId}&email=victim@example.com`), 405, 'method_not_allowed');
      }
      for (const path of ['/api/admin/users', `/api/admin/users/${user.id}`, `/api/admin/users/${user.id}/timeline`, '/api/admin/webhooks']) {
        assertProblem(await c.call('GET', path), 401, 'missing_key');
        assertProblem(await c.call('GET', path, undefined, { 'x-admin-id': 'your-admin-id' }), 401, 'invalid_key');
        assertProblem(await c.call('GET', path, undefined, { 'x-admin-id': c.companyId }), 401, 'invalid_key');
      }
    });

    test('takes no event of a session by claiming it after its owner', async () => {
      const { c, session, user } = await victim();
      await c.track(session, { eventType: 'private', timestamp: at(2) });
      const { body } = await c.identify(session, 'thief@example.com', { timestamp: at(3) });
      assert.deepEqual(await c.names(body.profileId), ['user_registered']);
      assert.ok((await c.names(user.id)).includes('private'));
    });
  });
