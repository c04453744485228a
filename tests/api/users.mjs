// The user object: every field of the seed, and whose word counts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

export default (trackMate) =>
  describe('a user', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));
    const get = async (c, id) => (await c.get(`/api/admin/users/${id}`)).body.user;

    const patch = (c, id, body) => c.call('PATCH', `/api/admin/users/${id}`, body, c.admin);

    test('has every field of the seed, and keeps what a page claims beyond them as traits', async () => {
      const c = await company();
      const claims = { name: 'Ada L', phone: '+47 1', firstName: 'Ada', plan: 'gold', big: 12345678901234567890n.toString(), gender: 7 };
      const { profileId } = (await c.identify(c.session(), 'ada@example.com', { ...claims, optIns: { whatsapp: true }, timestamp: '2025-10-18T10:00:00Z' })).body;
      const user = await get(c, profileId);
      const { version, timestamps, traits, lastActive, ...rest } = user;
      assert.deepEqual(rest, {
        id: profileId, email: 'ada@example.com', externalId: null, name: 'Ada L', company_id: c.companyId, createdAt: '2025-10-18T10:00:00.000Z',
        manychatId: null, instagramUsername: null, instagramId: null, firstName: 'Ada', lastName: null, fullName: 'Ada L', phone: '+47 1', whatsappPhone: null,
        gender: null, locale: null, timezone: null, profilePic: null,
        optIns: { messenger: false, instagram: false, whatsapp: false, telegram: false },
        exportConsent: { given: false, at: null, source: null }, tags: [], customFields: {},
        interactions: { messagesCount: 0, commentsCount: 0, storiesCount: 0, totalCount: 0, lastUpdated: null },
        stats: { bookingsCount: 0, qrScansCount: 0, conversationsCount: 0, lastBooking: null, lastSynced: null },
      });
      assert.deepEqual(traits, { ...claims, optIns: { whatsapp: true } });
      assert.equal(lastActive, '2025-10-18T10:00:00.000Z');
      assert.equal(timestamps.subscribedAt, '2025-10-18T10:00:00.000Z');
      assert.equal(version, Date.parse(timestamps.updatedAt));
      assert.ok(Date.now() - Date.parse(timestamps.updatedAt) < 60_000);
    });

    test('is updated by a claim that fills a gap, and by no other', async () => {
      const c = await company();
      const session = c.session();
      const { profileId } = (await c.identify(session, 'gap@example.com', { city: 'Oslo' })).body;
      const before = (await get(c, profileId)).timestamps.updatedAt;
      await c.identify(session, 'gap@example.com', { city: 'Rome' });
      await c.track(session, { eventType: 'page_view' });
      assert.equal((await get(c, profileId)).timestamps.updatedAt, before);
      await c.identify(session, 'gap@example.com', { plan: 'gold' });
      const after = await get(c, profileId);
      assert.ok(after.timestamps.updatedAt > before);
      assert.deepEqual(after.traits, { city: 'Oslo', plan: 'gold' });
    });

    test('made by a server event is a whole user too', async () => {
      const c = await company();
      const { profileId } = (await c.server({ email: 'served@example.com' }, 'first')).body;
      const user = await get(c, profileId);
      assert.deepEqual([user.email, user.timestamps.subscribedAt, user.tags], ['served@example.com', null, []]);
      assert.ok(Date.now() - Date.parse(user.timestamps.updatedAt) < 60_000);
    });

    test('keeps what a secret key said over what a page claimed, whichever came first', async () => {
      const c = await company();
      const session = c.session();
      const { profileId } = (await c.identify(session, 'layers@example.com', { phone: '+1', city: 'Oslo' })).body;
      const said = await patch(c, profileId, { phone: '+2', traits: { plan: 'gold' }, gender: null });
      assert.deepEqual([said.body.user.phone, said.body.user.traits.plan], ['+2', 'gold']);
      await c.identify(session, 'layers@example.com', { phone: '+3', plan: 'free', gender: 'x', shoe: 42, optIns: { whatsapp: true }, tags: ['vip'], customFields: { a: 'b' } });
      const user = await get(c, profileId);
      assert.deepEqual([user.phone, user.gender, user.traits.plan, user.traits.city, user.traits.shoe], ['+2', null, 'gold', 'Oslo', 42]);
      assert.deepEqual([user.optIns.whatsapp, user.tags, user.customFields], [false, [], {}]);
      await c.server({ userId: profileId }, 'crm.synced', { user: { phone: '+4' } });
      assert.equal((await get(c, profileId)).phone, '+4');
    });

    test('takes tags, custom fields and consent from the admin API and from server events', async () => {
      const c = await company();
      const { profileId } = (await c.identify(c.session(), 'crm@example.com')).body;
      const at = `/api/admin/users/${profileId}`;
      await c.call('POST', `${at}/tags`, { tags: ['vip', 'new'] }, c.admin);
      await c.call('PATCH', `${at}/custom-fields`, { points: 150, drink: 'latte', gone: null }, c.admin);
      await patch(c, profileId, { optIns: { whatsapp: true }, exportConsent: { given: true, at: '2025-11-06T10:00:00Z', source: 'checkout' } });
      let user = await get(c, profileId);
      assert.deepEqual(user.tags.map((tag) => tag.name).toSorted(), ['new', 'vip']);
      assert.ok(user.tags.every((tag) => /^tag_[0-9a-f]{16}$/.test(tag.id) && Date.now() - Date.parse(tag.appliedAt) < 60_000));
      assert.deepEqual(user.customFields, { points: '150', drink: 'latte' });
      assert.deepEqual(user.exportConsent, { given: true, at: '2025-11-06T10:00:00.000Z', source: 'checkout' });
      assert.deepEqual([user.optIns.whatsapp, user.optIns.telegram], [true, false]);
      await c.call('DELETE', `${at}/tags?tag=new`, undefined, c.admin);
      await c.call('DELETE', `${at}/tags`, { tags: [user.tags.find((tag) => tag.name === 'vip').id] }, c.admin);
      await c.server({ email: 'crm@example.com' }, 'crm.synced', { user: { tags: { add: ['server'] }, customFields: { drink: null }, exportConsent: false } });
      user = await get(c, profileId);
      assert.deepEqual([user.tags.map((tag) => tag.name), user.customFields, user.exportConsent.given, user.exportConsent.source], [['server'], { points: '150' }, false, 'server']);
      assert.equal(user.stats.lastSynced, user.timestamps.updatedAt);
    });

    test('may be made and described by one server event, and nobody is described without being named', async () => {
      const c = await company();
      const { body } = await c.server({ email: 'made@example.com' }, 'crm.synced', { user: { firstName: 'Made', tags: { add: ['vip'] } } });
      const user = await get(c, body.profileId);
      assert.deepEqual([user.fullName, user.tags[0].name], ['Made', 'vip']);
      assertProblem(await c.tryServer({ eventType: 'x', user: { firstName: 'No' } }), 400, 'missing_field', 'identifier');
      const unknown = await c.server({ sessionId: c.session() }, 'x', { user: { firstName: 'No' } });
      assert.deepEqual(unknown.body.warnings.map((w) => w.code), ['nobody_known']);
      const derived = await c.server({ email: 'made@example.com' }, 'x', { user: { stats: {} } });
      assert.deepEqual(derived.body.warnings.map((w) => w.code), ['left_out']);
    });

    test('is not changed by what cannot be said, by another company, or by a server key', async () => {
      const c = await company();
      const other = await newCompany(trackMate());
      const { profileId } = (await c.identify(c.session(), 'wall@example.com')).body;
      for (const body of [{ email: 5 }, { phone: 5 }, { optIns: { fax: true } }, { tags: ['vip'] }]) assertProblem(await patch(c, profileId, body), 400, 'invalid_field');
      assertProblem(await patch(c, profileId, '['), 400, 'invalid_field');
      const routes = [['PATCH', '', { city: 'x' }], ['POST', '/tags', { tags: ['x'] }], ['DELETE', '/tags', { tags: ['x'] }], ['PATCH', '/custom-fields', { a: 'x' }]];
      for (const [method, path, body] of routes) {
        const route = `/api/admin/users/${profileId}${path}`;
        assertProblem(await c.call(method, route, body, other.admin), 404, 'unknown_user');
        assertProblem(await c.call(method, route, body, { 'x-admin-id': c.serverKey }), 403, 'wrong_scope');
      }
      const user = await get(c, profileId);
      assert.deepEqual([user.tags, user.customFields, user.traits], [[], {}, {}]);
    });

    test('sends every change once, with old and new, through the outbox', async (t) => {
      const { c, receiver } = await newWebhook(t, trackMate(), { events: ['user.*', 'tag.*', 'customfield.updated'] });
      const seen = async (...names) => {
        await until(`${names}`, () => receiver.requests.length >= names.length);
        const bodies = receiver.requests.splice(0).map((r) => r.json);
        assert.deepEqual(bodies.map((b) => b.event).toSorted(), names.toSorted());
        for (const { metadata, event, data } of bodies) {
          assert.deepEqual([metadata.source, metadata.action, metadata.userId], ['webhook', event.split('.')[1], data.user.id]);
        }
        return Object.fromEntries(bodies.map((b) => [b.event, b.data]));
      };
      const session = c.session();
      const { profileId } = (await c.identify(session, 'out@example.com', { name: 'Out', plan: 'free' })).body;
      const created = (await seen('user.created'))['user.created'];
      const shown = await get(c, profileId);
      assert.deepEqual(created.user, { ...shown, lastActive: created.user.lastActive });
      await c.identify(session, 'out@example.com', { name: 'Other', plan: 'gold' });
      await c.identify(session, 'out@example.com', { list: [1], yes: true, text: 'a"b' });
      const filled = (await seen('user.updated'))['user.updated'];
      assert.deepEqual([filled.user.id, filled.user.traits.plan, filled.user.tags, filled.user.customFields], [profileId, 'free', [], {}]);
      assert.deepEqual(filled.changes, { list: { old: null, new: [1] }, yes: { old: null, new: true }, text: { old: null, new: 'a"b' } });
      const change = { phone: '+1', plan: 'gold', tags: { add: ['vip'] }, customFields: { points: 5 } };
      await patch(c, profileId, change);
      await patch(c, profileId, change);
      const edited = await seen('user.updated', 'tag.added', 'customfield.updated');
      assert.deepEqual(edited['user.updated'].changes, { phone: { old: null, new: '+1' }, plan: { old: 'free', new: 'gold' } });
      assert.deepEqual(edited['user.updated'].user, await get(c, profileId));
      assert.equal(edited['tag.added'].tag, 'vip');
      assert.deepEqual(edited['customfield.updated'].field, { name: 'points', old: null, new: '5' });
      await c.call('DELETE', `/api/admin/users/${profileId}/tags?tag=vip`, undefined, c.admin);
      assert.equal((await seen('tag.removed'))['tag.removed'].user.tags.length, 0);
      await c.server({ email: 'new@example.com' }, 'first', { user: { phone: '+9' } });
      const made = await seen('user.created', 'user.updated');
      assert.deepEqual([made['user.created'].user.email, made['user.updated'].changes.phone.new], ['new@example.com', '+9']);
      assert.deepEqual(await c.names(profileId), ['user_registered', 'identify', 'identify'], 'platform events are no part of the timeline');
    });

    test('edited by many at once ends as if they had come one by one', async () => {
      const c = await company();
      const { profileId } = (await c.identify(c.session(), 'many@example.com')).body;
      const tags = Array.from({ length: 4 }, (_, n) => `t${n}`);
      const answers = await Promise.all(tags.map((tag) => c.call('POST', `/api/admin/users/${profileId}/tags`, { tags: [tag] }, c.admin)));
      const made = tags.filter((_, n) => answers[n].status === 200);
      assert.ok(made.length > 0 && answers.every(({ status }) => [200, 409].includes(status)));
      assert.deepEqual((await get(c, profileId)).tags.map((tag) => tag.name).toSorted(), made);
    });
  });
