// The user object: every field of the seed, and whose word counts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('a user', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));
    const get = async (c, id) => (await c.get(`/api/admin/users/${id}`)).body.user;

    test('has every field of the seed, and keeps what a page claims beyond them as traits', async () => {
      const c = await company();
      const claims = { name: 'Ada L', phone: '+47 1', firstName: 'Ada', plan: 'gold', big: 12345678901234567890n.toString(), gender: 7 };
      const { profileId } = (await c.identify(c.session(), 'ada@example.com', { ...claims, optIns: { whatsapp: true }, timestamp: '2025-10-18T10:00:00Z' })).body;
      const user = await get(c, profileId);
      const { timestamps, traits, lastActive, ...rest } = user;
      assert.deepEqual(rest, {
        id: profileId, email: 'ada@example.com', name: 'Ada L', company_id: c.companyId, createdAt: '2025-10-18T10:00:00.000Z',
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
  });
