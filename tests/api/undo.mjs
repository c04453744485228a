// Identity that can be taken back: undo of an identify, merge and undo of a merge, a new address, proof of who is identified.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

export default (trackMate) =>
  describe('identity', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));
    const post = (c, path, body) => c.call('POST', `/api/admin/identity/${path}`, body, c.admin);
    const get = async (c, id) => (await c.get(`/api/admin/users/${id}`)).body.user;
    /** Whom a page's claim of this address is about: it is answered the address' own id, which leads there. */
    const whom = async (c, email, more) => (await get(c, (await c.identify(c.session(), email, more)).body.profileId)).id;
    const identities = async (c, id, query = '') => (await c.get(`/api/admin/users/${id}/identities${query}`)).body;
    /** All that is shown of a person, but when it last changed. */
    const whole = async (c, id) => {
      const { profile, ...timeline } = await c.timeline(id);
      const { timestamps, version, ...user } = profile;
      return { ...timeline, user, createdAt: timestamps.createdAt, subscribedAt: timestamps.subscribedAt };
    };
    const at = (minute) => new Date(Date.UTC(2025, 9, 18, 10) + minute * 60_000).toISOString();

    test('undone is as if it had not been: both timelines, the traits, the totals, also after later events', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, { eventType: 'page_view', timestamp: at(0) });
      const { profileId: ada } = (await c.identify(session, 'undo-ada@example.com', { name: 'Ada', timestamp: at(1) })).body;
      await c.track(session, { eventType: 'payment_processed', eventData: { amount: 5, currency: 'EUR' }, timestamp: at(2) });
      const { profileId: bob } = (await c.identify(c.session(), 'undo-bob@example.com', { name: 'Bob', city: 'Oslo', timestamp: at(0) })).body;
      const before = { ada: await whole(c, ada), bob: await whole(c, bob) };
      // Bob is identified on Ada's session by mistake, in the middle of it, and brings claims.
      const messageId = `mistake-${session}`;
      await c.identify(session, 'undo-bob@example.com', { plan: 'gold', timestamp: at(1.5), messageId });
      assert.deepEqual((await whole(c, bob)).summary.totalRevenue, [{ currency: 'EUR', amount: 5 }]);
      assert.equal((await get(c, bob)).traits.plan, 'gold');
      const link = (await identities(c, bob)).links.find((l) => l.messageId === messageId);
      assert.deepEqual([link.sessionId, link.profileId, link.events], [session, bob, 2]);
      const undone = await post(c, 'undo', { messageId });
      assert.deepEqual(undone.body, { success: true, undone: 'identify', userId: bob, to: ada, removed: false });
      assert.deepEqual({ ada: await whole(c, ada), bob: await whole(c, bob) }, before);
      assertProblem(await post(c, 'undo', { messageId }), 404, 'not_found', 'messageId');
      // A page that sends it again does not bring it back.
      assertProblem(await c.tryIdentify(session, 'undo-bob@example.com', { plan: 'gold', timestamp: at(1.5), messageId }), 409, 'conflict');
      assert.deepEqual({ ada: await whole(c, ada), bob: await whole(c, bob) }, before);
      await c.track(session, { eventType: 'later', timestamp: at(3) });
      assert.equal((await c.names(ada)).at(-1), 'later');
    });

    test('undone after many forged claims leaves what is claimed by those that stand', async () => {
      const c = await company();
      const forged = (n) => ({ messageId: `forged-${n}`, [`t${n % 7}`]: n, filler: 'x'.repeat(2000) });
      const { profileId } = (await c.identify(c.session(), 'forged@example.com', { name: 'Ada' })).body;
      const claim = (n) => c.identify(c.session(), 'forged@example.com', forged(n));
      // The first of each trait come one after another: those that come together have no order.
      for (let n = 0; n < 7; n++) await claim(n);
      for (let n = 7; n < 120; n += 40) await Promise.all(Array.from({ length: Math.min(40, 120 - n) }, (_, i) => claim(n + i)));
      const before = await get(c, profileId);
      const { status, cost } = await post(c, 'undo', { messageId: 'forged-3' });
      assert.equal(status, 200);
      assert.ok(cost.trips <= 12 && cost.read <= 3000, JSON.stringify(cost));
      const after = await get(c, profileId);
      assert.ok(after.traits.t3 > 3 && after.traits.t3 % 7 === 3, 'the next one that claims it');
      assert.deepEqual({ ...after.traits, t3: 3 }, before.traits);
      const { summary } = await c.timeline(profileId);
      assert.deepEqual([summary.totalEvents, summary.sessions.client], [120, 120]);
    });

    test('undone where it made the person takes the person away, and gives the session back to nobody', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, { eventType: 'page_view' });
      const { profileId } = (await c.identify(session, 'undo-gone@example.com', { messageId: `gone-${session}` })).body;
      assert.equal((await post(c, 'undo', { messageId: `gone-${session}` })).body.removed, true);
      assertProblem(await c.call('GET', `/api/admin/users/${profileId}`, undefined, c.admin), 404, 'unknown_user');
      assert.equal(await c.user('undo-gone@example.com'), undefined);
      const { profileId: right } = (await c.identify(session, 'undo-right@example.com')).body;
      assert.deepEqual(await c.names(right), ['page_view', 'user_registered']);
    });

    test('merged by an admin is one user in every answer, and parted again is two as before', async () => {
      const c = await company();
      const patch = (id, body) => c.call('PATCH', `/api/admin/users/${id}`, body, c.admin);
      const { profileId: home } = (await c.identify(c.session(), 'home@example.com', { name: 'Eve Home', city: 'Oslo' })).body;
      const { profileId: work } = (await c.identify(c.session(), 'work@example.com', { plan: 'gold', city: 'Rome' })).body;
      await c.server({ email: 'work@example.com' }, 'payment_processed', { eventData: { amount: 7, currency: 'USD' } });
      await patch(home, { phone: '+1', tags: { add: ['vip'] } });
      await patch(work, { phone: '+2', gender: 'f', tags: { add: ['work'] }, customFields: { points: 3 } });
      const before = { home: await whole(c, home), work: await whole(c, work) };

      const { body } = await post(c, 'merge', { into: home, from: work });
      assert.deepEqual([body.user.id, body.user.phone, body.user.gender, body.user.traits.plan, body.user.traits.city], [home, '+1', 'f', 'gold', 'Oslo']);
      assert.deepEqual([body.user.tags.map((t) => t.name).toSorted(), body.user.customFields], [['vip', 'work'], { points: '3' }]);
      const merged = await whole(c, home);
      assert.deepEqual(merged.summary.totalEvents, before.home.summary.totalEvents + before.work.summary.totalEvents);
      assert.deepEqual(merged.summary.totalRevenue, [{ currency: 'USD', amount: 7 }]);
      assert.deepEqual(merged.summary.sessions, { total: 3, client: 2, server: 1 });
      assert.equal((await get(c, work)).id, home, 'the id of the other leads here');
      assert.equal((await c.user('work@example.com')).id, home);
      for (const query of ['search=work', 'search=home', 'hasTag=work', 'limit=1000']) {
        const { users } = (await c.get(`/api/admin/users?${query}`)).body;
        assert.ok(users.every((u) => u.id !== work), query);
        assert.equal(users.filter((u) => u.id === home).length, 1, query);
      }
      // What comes in for either joins the one; each goes its own way when they are parted.
      await c.server({ userId: work }, 'for_work');
      await c.server({ email: 'work@example.com' }, 'for_work');
      await c.server({ email: 'home@example.com' }, 'for_home');
      assert.equal(await whom(c, 'work@example.com', { shoe: 42 }), home);
      assert.deepEqual((await c.names(home)).filter((n) => n.startsWith('for_')), ['for_work', 'for_work', 'for_home']);
      assert.equal((await get(c, home)).traits.shoe, 42);
      await patch(work, { tags: { add: ['both'] } });
      assert.deepEqual((await get(c, home)).tags.map((t) => t.name).toSorted(), ['both', 'vip', 'work']);
      assert.deepEqual((await identities(c, home)).merged.map((m) => [m.profileId, m.into, m.email]), [[work, home, 'work@example.com']]);
      assertProblem(await post(c, 'undo', { profileId: home }), 404, 'not_found', 'profileId');

      assert.deepEqual((await post(c, 'undo', { profileId: work })).body, { success: true, undone: 'merge', userId: home, to: work, removed: false });
      const after = { home: await whole(c, home), work: await whole(c, work) };
      assert.deepEqual(after.work.events.slice(0, before.work.events.length), before.work.events);
      assert.deepEqual((await c.names(work)).slice(before.work.events.length), ['for_work', 'for_work', 'identify']);
      assert.deepEqual((await c.names(home)).slice(before.home.events.length), ['for_home']);
      assert.deepEqual([after.work.user.phone, after.work.user.traits.shoe, after.work.user.tags.map((t) => t.name)], ['+2', 42, ['work']]);
      assert.deepEqual([after.home.user.phone, after.home.user.gender, after.home.user.traits.shoe], ['+1', null, undefined]);
      assert.deepEqual(after.home.user.tags.map((t) => t.name).toSorted(), ['both', 'vip'], 'what was said of the one they were stays with who stood for both');
      assert.deepEqual(after.work.summary.totalRevenue, before.work.summary.totalRevenue);
    });

    test('merged one into the other and on, and parted in any order, is what each was', async () => {
      const c = await company();
      const ids = [];
      for (const n of [1, 2, 3]) ids.push((await c.identify(c.session(), `chain${n}@example.com`, { [`t${n}`]: n })).body.profileId);
      const before = await Promise.all(ids.map((id) => whole(c, id)));
      const [a, b, d] = ids;
      await post(c, 'merge', { into: b, from: d });
      await post(c, 'merge', { into: a, from: b });
      assert.equal((await get(c, d)).id, a);
      assert.deepEqual((await get(c, a)).traits, { t1: 1, t2: 2, t3: 3 });
      assert.equal((await post(c, 'merge', { into: d, from: b })).status, 200, 'they are one already');
      await post(c, 'undo', { profileId: d });
      assert.deepEqual([(await get(c, d)).id, (await get(c, b)).id], [d, a]);
      await post(c, 'merge', { into: b, from: d });
      await post(c, 'undo', { profileId: b });
      await post(c, 'undo', { profileId: d });
      assert.deepEqual(await Promise.all(ids.map((id) => whole(c, id))), before);
    });

    test('is merged by a server key that vouches for it, and by no page', async () => {
      const c = await company();
      const { profileId: one } = (await c.identify(c.session(), 'vouch1@example.com')).body;
      const { profileId: two } = (await c.identify(c.session(), 'vouch2@example.com')).body;
      const both = { userId: one, email: 'vouch2@example.com' };
      assert.equal((await c.server(both, 'x')).body.warnings[0].code, 'identity_conflict');
      await c.identify(c.session(), 'vouch2@example.com', { userId: one, merge: true, into: one });
      assert.equal((await get(c, two)).id, two);
      const { body } = await c.server(both, 'x', { merge: true });
      assert.deepEqual([body.profileId, body.warnings], [one, undefined]);
      assert.equal((await get(c, two)).id, one);
      // An address that nobody has becomes the user's.
      assert.equal((await c.server({ userId: one, email: 'vouch3@example.com' }, 'x', { merge: true })).body.profileId, one);
      assert.equal(await whom(c, 'vouch3@example.com'), one);
      assertProblem(await c.tryServer({ identifier: { email: 'vouch1@example.com' }, eventType: 'x', merge: true }), 400, 'missing_field', 'identifier');
    });

    test('parted by an admin stays two, whatever a server says of the two again, until an admin merges them', async () => {
      const c = await company();
      const segment = (path, body) => c.call('POST', path, body, { authorization: `Bearer ${c.serverKey}` });
      const same = async (a, b) => (await get(c, a)).id === (await get(c, b)).id;
      await segment('/v1/identify', { userId: 'parted-1', traits: { plan: 'gold' } });
      const { id: one } = (await c.get('/api/admin/users?externalId=parted-1')).body.users[0];
      const { profileId: two } = (await c.identify(c.session(), 'parted2@example.com')).body;
      const merging = () => c.server({ userId: one, email: 'parted2@example.com' }, 'x', { merge: true });
      assert.equal((await merging()).body.warnings, undefined);
      assert.ok(await same(one, two));
      await post(c, 'undo', { profileId: two });
      for (let n = 0; n < 2; n += 1) {
        const { body } = await merging();
        assert.deepEqual([body.accepted, body.profileId, body.warnings.map((w) => w.code)], [1, one, ['identity_conflict']], 'the event is stored');
      }
      const both = { userId: 'parted-1', traits: { email: 'parted2@example.com', plan: 'silver' } };
      for (const more of [{}, { anonymousId: 'parted-v' }]) assert.equal((await segment('/v1/identify', { ...both, ...more })).body.accepted, 1);
      assert.deepEqual([(await get(c, one)).traits.plan, (await get(c, one)).email, (await get(c, two)).email], ['silver', null, 'parted2@example.com']);
      const { body } = await c.tryServer({ eventType: 'alias', eventData: { previousId: two, userId: one } });
      assert.deepEqual([body.accepted, body.warnings.map((w) => w.code)], [1, ['alias_refused']]);
      assertProblem(await segment('/v1/alias', { previousId: 'parted2@example.com', userId: 'parted-1' }), 409, 'conflict', 'previousId');
      assert.ok(!(await same(one, two)));
      // It holds for whoever was merged into either, in both directions.
      const { profileId: third } = (await c.identify(c.session(), 'parted3@example.com')).body;
      await post(c, 'merge', { into: third, from: one });
      assert.equal((await c.server({ userId: two, email: 'parted3@example.com' }, 'x', { merge: true })).body.warnings[0].code, 'identity_conflict');
      await post(c, 'undo', { profileId: one });
      assert.equal((await c.server({ userId: two, email: 'parted3@example.com' }, 'x', { merge: true })).body.warnings, undefined, 'these two were never parted');
      assert.equal((await post(c, 'merge', { into: one, from: two })).status, 200);
      assert.ok(await same(one, third));
      assert.equal((await merging()).body.warnings, undefined);
    });

    test('takes a new address by a secret key alone; the old one leads to the person until somebody else has it', async (t) => {
      const { c, receiver } = await newWebhook(t, trackMate(), { events: ['user.updated'] });
      const patch = (id, body) => c.call('PATCH', `/api/admin/users/${id}`, body, c.admin);
      const session = c.session();
      const { profileId: id } = (await c.identify(session, 'Old@example.com')).body;
      const { profileId: other } = (await c.identify(c.session(), 'taken@example.com')).body;
      assertProblem(await patch(id, { email: 'Taken@example.com' }), 409, 'conflict', 'email');
      assertProblem(await patch(id, { email: 'nobody' }), 400, 'invalid_email', 'email');
      assert.equal((await patch(id, { email: 'New@example.com', phone: '+1' })).body.user.email, 'New@example.com');
      await until('the news', () => receiver.requests.length > 0);
      assert.deepEqual(receiver.requests[0].json.data.changes.email, { old: 'Old@example.com', new: 'New@example.com' });
      for (const email of ['old@example.com', 'new@example.com']) {
        assert.equal(await whom(c, email), id);
        assert.equal((await c.user(email)).email, 'New@example.com');
      }
      const { addresses } = await identities(c, id);
      assert.deepEqual(addresses.map((a) => [a.email, a.endedAt === null]).toSorted(), [['new@example.com', true], ['old@example.com', false]]);
      await c.server({ userId: other }, 'x', { user: { email: 'old@example.com' } });
      assert.equal(await whom(c, 'old@example.com'), other);
      assert.equal((await patch(id, { email: 'NEW@example.com' })).body.user.email, 'NEW@example.com');
      assert.equal((await c.user('new@example.com')).email, 'NEW@example.com');
    });

    test('has an address that somebody gave up by the word of a key, who stays who they are, and is found by it no more', async () => {
      const c = await company();
      const patch = (id, body) => c.call('PATCH', `/api/admin/users/${id}`, body, c.admin);
      const found = async (text) => (await c.get(`/api/admin/users?search=${encodeURIComponent(text)}`)).body.users.map((u) => u.id);
      const { profileId: before } = (await c.identify(c.session(), 'desk7@example.com')).body;
      const { profileId: now } = (await c.identify(c.session(), 'desk7-successor@example.com')).body;
      await patch(before, { email: 'gone-home@example.com' });
      assert.deepEqual(await found('desk7@example.com'), [before]);
      const { body } = await c.server({ userId: now, email: 'desk7@example.com' }, 'x', { merge: true });
      assert.deepEqual([body.profileId, body.warnings], [now, undefined]);
      assert.equal((await get(c, before)).id, before, 'nobody was merged');
      assert.equal(await whom(c, 'desk7@example.com'), now);
      assert.deepEqual(await found('desk7@example.com'), [now]);
      // A merge of who had it once takes nothing off who has it now.
      const { profileId: third } = (await c.identify(c.session(), 'desk7-third@example.com')).body;
      assert.equal((await post(c, 'merge', { into: third, from: before })).status, 200);
      assert.equal(await whom(c, 'desk7@example.com'), now);
    });

    test('is proved by userHash where a company asks for it', async () => {
      const c = await newCompany(trackMate());
      const settings = (body) => c.call('PATCH', '/api/admin/settings', body, c.admin);
      const proof = (secret, email) => ({ userHash: createHmac('sha256', secret).update(email).digest('hex') });
      assert.equal((await c.get('/api/admin/settings')).body.settings.identityVerification, 'off');
      assert.equal((await c.identify(c.session(), 'free@example.com', { userHash: 'whatever' })).status, 200);
      const secret = (await settings({ identityVerification: 'optional' })).body.settings.identitySecret;
      assert.match(secret, /^[0-9a-f]{64}$/);
      const { settings: shown } = (await c.get('/api/admin/settings')).body;
      assert.deepEqual([shown.identityVerification, shown.identitySecretSet, shown.identitySecret], ['optional', true, undefined]);
      assert.equal((await c.tryIdentify(c.session(), 'plain@example.com')).status, 200);
      assertProblem(await c.tryIdentify(c.session(), 'wrong@example.com', proof('other', 'wrong@example.com')), 403, 'identity_unproved', 'userHash');
      assert.equal(await c.user('wrong@example.com'), undefined);
      await settings({ identityVerification: 'required' });
      for (const claim of [{}, { userHash: '' }, proof(secret, 'someone.else@example.com')]) {
        assertProblem(await c.tryIdentify(c.session(), 'strict@example.com', claim), 403, 'identity_unproved', 'userHash');
      }
      assertProblem(await c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'strict@example.com' }), 403, 'identity_unproved', 'userHash');
      assert.equal(await c.user('strict@example.com'), undefined);
      await c.identify(c.session(), ' Strict@example.com ', proof(secret, 'Strict@example.com'));
      await c.identify(c.session(), 'Strict@example.com', proof(secret, 'strict@example.com'));
      assert.equal((await c.user('strict@example.com')).traits.userHash, undefined);
      await c.track(c.session(), { eventType: 'page_view' });
      assert.equal((await c.server({ email: 'server@example.com' }, 'x')).body.created, true);
      const { identitySecret: fresh } = (await settings({ rotateIdentitySecret: true })).body.settings;
      assert.notEqual(fresh, secret);
      assert.equal((await c.tryIdentify(c.session(), 'strict@example.com', proof(secret, 'strict@example.com'))).status, 403);
      await settings({ identitySecret: 'our own', identityVerification: 'required' });
      await c.identify(c.session(), 'strict@example.com', proof('our own', 'strict@example.com'));
      assertProblem(await settings({ identityVerification: 'sometimes' }), 400, 'invalid_field', 'identityVerification');
      const d1 = await trackMate().d1();
      const { results } = await d1.prepare('select identity_secret from companies').all();
      assert.ok(!JSON.stringify(results).includes('our own'), 'sealed at rest');
    });
  });
