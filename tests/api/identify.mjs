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

    test('that would pass a bound is refused and stores nothing: too late, on a full session, for a person of too many', async () => {
      const c = await company();
      const d1 = await trackMate().d1();
      const session = c.session();
      await c.identify(session, 'bound@example.com', { timestamp: at(0) });
      await c.track(session, ...Array.from({ length: 302 }, (_, n) => ({ eventType: 'later', timestamp: new Date(Date.parse(at(1)) + n).toISOString() })));
      const late = { timestamp: new Date(Date.parse(at(1)) - 1000).toISOString(), messageId: `late-${session}`, plan: 'gold' };
      const refused = async (sessionId, more, field) => {
        assertProblem(await c.tryIdentify(sessionId, 'bound@example.com', more), 409, 'limit_reached', field);
        assert.equal((await c.user('bound@example.com')).traits.plan, undefined);
        assert.equal((await c.call('GET', `/api/admin/events/${more.messageId}`, undefined, c.admin)).body.event?.outcome !== 'stored', true);
      };
      await refused(session, late, 'timestamp');
      await d1.prepare('update links set identifies = 500 where company = ?1 and session = ?2').bind(c.companyId, session).run();
      await refused(session, { ...late, timestamp: at(9), messageId: `full-${session}` }, 'sessionId');
      const { id } = await c.user('bound@example.com');
      await d1.prepare('update profiles set sessions = 10000 where company = ?1 and id = ?2').bind(c.companyId, id).run();
      await refused(c.session(), { messageId: `many-${session}`, plan: 'gold' }, 'email');
      // Events of the session come in as before, and a server may still say who it is.
      await c.track(session, { eventType: 'after', timestamp: at(10) });
      await c.server({ email: 'bound@example.com' }, 'said');
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
    });
  });
