// Erasing a person: gone at once, for everybody, everywhere, and not to come back; and how long events are kept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

const erase = (c, id) => c.call('DELETE', `/api/admin/users/${id}`, undefined, c.admin);
const rows = (n) => Array.from({ length: n }, (_, i) => ({ eventType: 'page_view', eventData: { i } }));

export default (trackMate) =>
  describe('an erasure', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('answers a receipt with counts, the same one when asked again and later', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, ...rows(7));
      const { profileId } = (await c.identify(session, 'receipt@example.com', { name: 'R' })).body;
      await c.server({ email: 'receipt@example.com' }, 'paid', { user: { tags: { add: ['vip', 'new'] }, customFields: { points: 1 } } });
      const first = await erase(c, profileId);
      assert.equal(first.status, 200, JSON.stringify(first.body));
      const { receipt } = first.body;
      assert.deepEqual([receipt.userId, receipt.complete], [profileId, true]);
      assert.deepEqual(receipt.counts, { events: 9, deliveries: 0, attempts: 0, records: 0, memberships: 0, sessions: 2, identities: 1, tags: 2, customFields: 1 });
      assert.ok(Date.now() - Date.parse(receipt.erasedAt) < 60_000);
      assert.ok(receipt.completedAt >= receipt.erasedAt);
      assert.deepEqual((await erase(c, profileId)).body, first.body);
      assert.deepEqual((await c.get(`/api/admin/users/${profileId}/erasure`)).body, first.body);
      assertProblem(await erase(c, 'nobody'), 404, 'unknown_user');
      assertProblem(await c.call('GET', '/api/admin/users/nobody/erasure', undefined, c.admin), 404, 'not_found');
    });

    test('takes all that were merged into the person, what belongs to them, and every address they ever had', async () => {
      const c = await company();
      // Somebody watches, and something is rejected on their session.
      await c.get('/api/admin/events');
      const session = c.session();
      const one = (await c.identify(session, 'whole-one@example.com', { name: 'Wholename', messageId: 'wholenote-0' })).body.profileId;
      await c.track(session, { eventType: 'y', messageId: 'wholenote-1' }, { eventType: 'x', messageId: 'wholenote-2', timestamp: 'wholenote', eventData: { text: 'wholetext' } });
      const noted = async () => (await c.get('/api/admin/events')).body.events.filter((entry) => entry.messageId?.startsWith('wholenote')).length;
      await until('notes of all three', async () => (await noted()) === 3);
      const two = (await c.identify(c.session(), 'whole-two@example.com', { city: 'Wholecity' })).body.profileId;
      const patch = (id, body) => c.call('PATCH', `/api/admin/users/${id}`, body, c.admin);
      await patch(two, { email: 'whole-new@example.com', phone: '+47-whole', customFields: { secret: 'wholefield' } });
      await c.server({ userId: two }, 'booking.created', { eventData: { booking: { id: 'whole-b1', note: 'wholenote' } } });
      await c.server({ userId: one }, 'message.received', { eventData: { message: { id: 'whole-m1', text: 'wholetext' } } });
      await c.call('PUT', '/api/admin/plan', { mode: 'report', events: { y: { properties: {}, additionalProperties: false } } }, c.admin);
      await c.track(session, { eventType: 'whole-one@example.com bought', eventData: { 'whole-two@example.com': 1 } });
      for (const query of ['hasTag=whole-one@example.com', 'customField[whole-one@example.com]=wholefield', 'search=wholename']) {
        await c.call('GET', `/api/admin/export/users/csv?${query}`, undefined, c.admin);
      }
      await c.call('GET', '/api/admin/export/events/csv?eventType=whole-two@example.com', undefined, c.admin);
      await c.call('POST', '/api/admin/identity/merge', { into: one, from: two }, c.admin);
      assert.equal((await c.get(`/api/admin/users/${two}?includeBookings=true`)).body.user.bookings.length, 1);
      const { receipt } = (await erase(c, two)).body;
      assert.deepEqual([receipt.userId, receipt.complete, receipt.counts.records, receipt.counts.identities], [one, true, 2, 3]);
      for (const id of [one, two]) {
        assertProblem(await c.call('GET', `/api/admin/users/${id}`, undefined, c.admin), 410, 'erased_user');
        assert.deepEqual((await c.get(`/api/admin/users/${id}/erasure`)).body.receipt, receipt);
        assertProblem(await c.tryServer({ identifier: { userId: id }, eventType: 'x' }), 410, 'erased_user');
      }
      for (const email of ['whole-one', 'whole-two', 'whole-new']) {
        assertProblem(await c.tryServer({ identifier: { email: `${email}@example.com` }, eventType: 'x' }), 410, 'erased_user');
        const { profileId } = (await c.identify(c.session(), 'other-whole@example.org')).body;
        assertProblem(await patch(profileId, { email: `${email}@example.com` }), 410, 'erased_user', 'email');
        assertProblem(await c.tryServer({ identifier: { userId: profileId, email: `${email}@example.com` }, eventType: 'x', merge: true }), 410, 'erased_user');
      }
      assert.equal(await noted(), 0);
      // Nor what names of events, of fields and of filters tell of them.
      await until('the names', async () => (await c.get('/api/admin/events/catalog')).body.events.some(({ name }) => name === '***'));
      const d1 = await trackMate().d1();
      const tables = (await d1.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like '_cf%'").all()).results;
      for (const { name } of tables) {
        const { results } = await d1.prepare(`select * from "${name}"`).all();
        assert.doesNotMatch(JSON.stringify(results), /whole-(one|two|new|b1|m1)|wholename|wholecity|\+47-whole|wholefield|wholenote|wholetext/i, name);
      }
    });

    test('takes what pages sent with the person’s own ids and nothing to know the visitor by, also where only a server names who that is', async () => {
      const c = await newCompany(trackMate());
      const post = (path, body, key = c.companyId) => c.call('POST', path, body, { authorization: `Bearer ${key}` });
      const page = (userId) => post('/v1/track', { userId, event: 'seen', properties: { of: userId } });
      for (const userId of ['u-1', 'ada@example.com', 'u-2', 'u-lone']) await page(userId);
      await post('/v1/group', { userId: 'u-1', groupId: 'acme' });
      await post('/v1/identify', { userId: 'u-1', traits: { email: 'ada@example.com' } }, c.serverKey);
      await post('/v1/identify', { userId: 'u-2', traits: { plan: 'gold' } }, c.serverKey);
      const userOf = async (id) => (await c.get(`/api/admin/users?externalId=${id}`)).body.users[0];
      const left = async () => (await c.get('/api/admin/export/events/json')).body.events.filter((e) => e.eventType === 'seen').map((e) => e.eventData.of);
      const ada = await userOf('u-1');
      assert.deepEqual(await c.names(ada.id), ['identify'], 'a page’s word alone is nobody’s');
      const { receipt } = (await erase(c, ada.id)).body;
      assert.deepEqual([receipt.complete, receipt.counts.events, receipt.counts.memberships], [true, 4, 1]);
      assert.deepEqual((await left()).sort(), ['u-2', 'u-lone']);
      // What pages go on to send is nobody's; and once such an id is somebody's again, it goes with them.
      await page('u-1');
      assert.equal((await c.call('DELETE', '/api/admin/tombstones', { externalId: 'u-1' }, c.admin)).body.lifted, true);
      await post('/v1/identify', { userId: 'u-1' });
      const again = await userOf('u-1');
      assert.deepEqual(await c.names(again.id), ['user_registered']);
      await erase(c, again.id);
      assert.deepEqual((await left()).sort(), ['u-2', 'u-lone']);
      // Of an id that is nobody's yet, a server makes somebody, who can be erased.
      await post('/v1/identify', { userId: 'u-lone' }, c.serverKey);
      await erase(c, (await userOf('u-lone')).id);
      assert.deepEqual(await left(), ['u-2']);
      assert.equal((await c.get('/api/admin/users')).body.users.length, 1);
    });

    test('leaves nothing to be seen of the person on any route', async () => {
      const c = await company();
      const session = c.session();
      const { profileId } = (await c.identify(session, 'unseen@example.com', { name: 'Unseen Person' })).body;
      await c.server({ email: 'unseen@example.com' }, 'x', { user: { tags: { add: ['unseen-tag'] } } });
      assert.equal((await c.get('/api/admin/users?search=unseen')).body.users.length, 1);
      await erase(c, profileId);
      const at = `/api/admin/users/${profileId}`;
      for (const [method, path, body] of [
        ['GET', at], ['GET', `${at}/timeline`], ['PATCH', at, { phone: '+1' }], ['POST', `${at}/tags`, { tags: ['x'] }], ['PATCH', `${at}/custom-fields`, { a: 'b' }],
      ]) {
        assertProblem(await c.call(method, path, body, c.admin), 410, 'erased_user');
      }
      for (const query of ['', '?email=unseen@example.com', '?search=unseen', '?hasTag=unseen-tag']) {
        assert.ok(!JSON.stringify((await c.get(`/api/admin/users${query}`)).body).includes(profileId), query);
      }
    });

    test('takes a person off a shared browser and leaves the other one theirs', async () => {
      const c = await company();
      const session = c.session();
      const at = (n) => ({ timestamp: new Date(Date.UTC(2025, 9, 18, 10, n)).toISOString() });
      const event = (name, n) => ({ eventType: name, ...at(n) });
      await c.track(session, event('before', 0));
      const one = (await c.identify(session, 'one@example.com', at(1))).body.profileId;
      await c.track(session, event('one', 2));
      const other = (await c.identify(session, 'other@example.com', at(3))).body.profileId;
      await c.track(session, event('other', 4));
      await c.identify(session, 'one@example.com', at(5));
      await c.track(session, event('one again', 6));
      const before = await c.timeline(other);
      assert.deepEqual(before.events.map((e) => e.eventType), ['user_registered', 'other']);
      assert.equal((await erase(c, one)).body.receipt.counts.events, 5);
      assert.deepEqual(await c.timeline(other), before);
      // What the browser still sends is nobody's, wherever it falls.
      await c.track(session, event('late', 2), event('late', 7), event('late', 0));
      assert.deepEqual(await c.timeline(other), before);
      assert.deepEqual((await c.server({ sessionId: session }, 'later')).body.profileId, null);
      // The next person on that browser takes nothing of it.
      const next = (await c.identify(session, 'next@example.com')).body.profileId;
      assert.deepEqual(await c.names(next), ['user_registered']);
    });

    test('keeps the address from coming back by a page, which cannot tell', async () => {
      const c = await company();
      const session = c.session();
      const taken = { messageId: `${session}-event`, eventType: 'page_view' };
      await c.track(session, taken);
      const said = { messageId: `${session}-identify`, name: 'Back' };
      const { profileId } = (await c.identify(session, 'back@example.com', said)).body;
      const known = await c.tryIdentify(c.session(), 'back@example.com', { messageId: taken.messageId });
      await erase(c, profileId);
      const before = (await c.get('/api/admin/users')).body.pagination.total;
      for (const more of [said, { name: 'Back' }, { name: 'Back' }]) {
        const { status, body, cost } = await c.tryIdentify(c.session(), ' Back@example.com', more);
        assert.equal(status, 200);
        assert.deepEqual(Object.keys(body), ['success', 'profileId']);
        assert.equal(body.profileId, profileId, 'as it always was');
        assert.equal(cost.trips, 1);
      }
      const contact = await c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'back@example.com', sessionId: session });
      assert.deepEqual([contact.status, Object.keys(contact.body)], [200, ['success', 'contactId']]);
      // A message id of something else is told as ever. (The page_view was erased with the person: another one.)
      const other = { messageId: `${session}-other`, eventType: 'page_view' };
      await c.track(c.session(), other);
      const again = await c.tryIdentify(c.session(), 'back@example.com', { messageId: other.messageId });
      assert.deepEqual([again.status, again.body.code, again.body.message], [known.status, known.body.code, known.body.message]);
      assert.equal((await c.get('/api/admin/users')).body.pagination.total, before);
      assert.deepEqual((await c.server({ sessionId: session }, 'x')).body.profileId, null);
    });

    test('is told to servers: 410 by address and by id, and nothing is stored', async () => {
      const c = await company();
      const { profileId } = (await c.server({ email: 'gone@example.com' }, 'x')).body;
      const { events } = await c.timeline(profileId);
      const { receipt } = (await erase(c, profileId)).body;
      assert.equal(receipt.counts.events, events.length);
      const d1 = await trackMate().d1();
      const count = async () => (await d1.prepare('select count(*) as n from events where company = ?1').bind(c.companyId).first()).n;
      const before = await count();
      assertProblem(await c.tryServer({ identifier: { email: 'Gone@Example.com' }, eventType: 'x', user: { phone: '+1' } }), 410, 'erased_user', 'identifier.email');
      assertProblem(await c.tryServer({ identifier: { email: 'gone@example.com' }, events: rows(3) }), 410, 'erased_user', 'identifier.email');
      assertProblem(await c.tryServer({ identifier: { userId: profileId }, eventType: 'x' }), 410, 'erased_user', 'identifier.userId');
      assertProblem(await c.tryServer({ identifier: { sessionId: events[0].sessionId }, eventType: 'x' }), 400, 'invalid_session');
      assert.equal(await count(), before);
    });

    test('ends when an admin lifts the tombstone: the person may come again, as somebody new', async () => {
      const c = await company();
      const session = c.session();
      const { profileId } = (await c.identify(session, 'lifted@example.com', { name: 'Lifted' })).body;
      await erase(c, profileId);
      const lift = (email) => c.call('DELETE', '/api/admin/tombstones', { email }, c.admin);
      assert.deepEqual((await lift('never@example.com')).body, { success: true, lifted: false });
      assert.deepEqual((await lift(' Lifted@example.com')).body, { success: true, lifted: true });
      const again = (await c.identify(session, 'lifted@example.com')).body.profileId;
      assert.notEqual(again, profileId);
      assert.deepEqual(await c.names(again), ['user_registered']);
      assert.equal((await c.get(`/api/admin/users/${again}`)).body.user.name, null);
      assertProblem(await lift('nonsense'), 400, 'invalid_email', 'email');
    });

    test('is one company\'s: the same address elsewhere stays and may come', async () => {
      const [a, b] = [await company(), await newCompany(trackMate())];
      const { profileId } = (await a.identify(a.session(), 'both@example.com')).body;
      const theirs = (await b.identify(b.session(), 'both@example.com', { name: 'B' })).body.profileId;
      await erase(a, profileId);
      assert.equal((await b.user('both@example.com')).name, 'B');
      assert.equal((await b.server({ email: 'both@example.com' }, 'x')).body.profileId, theirs);
      const fresh = await newCompany(trackMate());
      assert.equal((await fresh.server({ email: 'both@example.com' }, 'x')).body.created, true);
    });

    test('sends user.deleted without the data of the person, and nothing else of them ever again', async (t) => {
      let down = true;
      const { c, receiver, webhook, ended, post } = await newWebhook(t, trackMate(), { answer: () => (down ? 503 : 200), events: ['*'], retryAttempts: 5, retryDelay: 3600 });
      const held = await c.subscribe(`${receiver.url}/held`, ['*'], { active: false });
      const session = c.session();
      await c.track(session, { eventType: 'anonymous', eventData: { said: 'before' } });
      const { profileId } = (await c.identify(session, 'notice@example.com', { name: 'Notice Me' })).body;
      await c.server({ email: 'notice@example.com' }, 'paid', { user: { phone: '+47 99' } });
      await until('the first attempts', () => receiver.requests.length >= 5);
      const old = await ended('pending', 5);
      assert.ok(old.every((d) => d.status === 'pending'));
      await until('they are settled', async () => (await c.deliveries(webhook.id)).every((d) => d.attempts.length === 1));
      assert.equal((await c.get(`/api/admin/webhooks/${held.id}`)).body.webhook.stats.held, 5);
      down = false;
      receiver.requests.length = 0;
      const { receipt } = (await erase(c, profileId)).body;
      // anonymous, identify, paid; user.created, user.updated: each for two webhooks.
      assert.deepEqual([receipt.complete, receipt.counts.events, receipt.counts.deliveries, receipt.counts.attempts], [true, 5, 10, 5]);
      await until('the notice', () => receiver.requests.length > 0);
      await c.call('PATCH', `/api/admin/webhooks/${held.id}`, { active: true }, c.admin);
      await until('the notice for the other', () => receiver.requests.some((r) => r.path === '/held'));
      assertProblem(await post(`/deliveries/${old[0].id}/resend`), 404, 'not_found');
      await post('/recover', { since: '2020-01-01' });
      await trackMate().sweep();
      await c.server(undefined, 'last');
      await until('what came after', () => receiver.requests.filter((r) => r.json.event === 'last').length === 2);
      assert.deepEqual([...new Set(receiver.requests.map((r) => r.json.event))].toSorted(), ['last', 'user.deleted']);
      const notice = receiver.requests.find((r) => r.json.event === 'user.deleted').json;
      assert.deepEqual(notice.data, { user: { id: profileId } });
      assert.deepEqual(notice.metadata.userId, profileId);
      const log = JSON.stringify([await c.deliveries(webhook.id), await c.deliveries(held.id)]);
      for (const secret of ['notice@example.com', 'Notice Me', '+47 99']) assert.ok(!log.includes(secret), secret);
    });

    test('of a person with a long history is finished by the sweep; meanwhile nobody sees them and nothing of them goes out', async (t) => {
      const { c, receiver, webhook, patch } = await newWebhook(t, trackMate(), { events: ['marked'], active: false });
      const session = c.session();
      for (let n = 0; n < 40; n += 1) await c.track(session, ...rows(500));
      await c.track(session, { eventType: 'marked' });
      const { profileId } = (await c.identify(session, 'long@example.com')).body;
      const { receipt } = (await erase(c, profileId)).body;
      assert.equal(receipt.complete, false);
      assert.ok(receipt.counts.events > 0 && receipt.counts.events < 20_002);
      assertProblem(await c.call('GET', `/api/admin/users/${profileId}`, undefined, c.admin), 410, 'erased_user');
      // What their browser still sends goes the same way, and what was held is set going in the midst of it, before and after what is somebody else's.
      await c.server({ email: 'else@example.com' }, 'marked');
      await patch({ active: true });
      await c.track(session, { eventType: 'marked' });
      await until('what is not theirs', () => receiver.requests.length > 0);
      await c.server({ email: 'else@example.com' }, 'marked');
      await until('what came after', () => receiver.requests.length > 1);
      assert.ok(receiver.requests.every((r) => r.json.metadata.userId !== profileId));
      const end = await until('the sweep is through', async () => {
        await trackMate().sweep();
        const { body } = await c.get(`/api/admin/users/${profileId}/erasure`);
        return body.receipt.complete && body.receipt;
      });
      assert.deepEqual([end.counts.events, end.counts.deliveries, end.erasedAt], [20_003, 2, receipt.erasedAt]);
      const d1 = await trackMate().d1();
      assert.equal((await d1.prepare('select count(*) as n from events where company = ?1').bind(c.companyId).first()).n, 2);
      assert.deepEqual([receiver.requests.length, (await c.deliveries(webhook.id)).length], [2, 2]);
    });

    test('may be cut off at any point: whatever is left open, the sweep goes on with', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, ...rows(5));
      const { profileId } = (await c.identify(session, 'cut@example.com')).body;
      const done = (await erase(c, profileId)).body.receipt;
      // As if the request had died after its first batch, and something had been left.
      const d1 = await trackMate().d1();
      await d1.prepare('update erasures set completed_at = null where profile = ?1').bind(profileId).run();
      await d1.prepare("insert into links (company, session, at, id, profile) values (?1, 'left', 5, 'left', ?2)").bind(c.companyId, profileId).run();
      await trackMate().sweep();
      const { receipt } = (await c.get(`/api/admin/users/${profileId}/erasure`)).body;
      assert.deepEqual([receipt.complete, receipt.counts], [true, done.counts]);
      assert.equal(await d1.prepare('select 1 from links where profile = ?1').bind(profileId).first(), null);
    });

    test('is not needed for old events: a company may keep them for a time only', async () => {
      const c = await newCompany(trackMate());
      const setting = (eventRetentionDays) => c.call('PATCH', '/api/admin/settings', { eventRetentionDays }, c.admin);
      assert.equal((await c.get('/api/admin/settings')).body.settings.eventRetentionDays, null);
      for (const wrong of [0, 3651]) assertProblem(await setting(wrong), 400, 'invalid_field', 'eventRetentionDays');
      assert.equal((await setting(30)).body.settings.eventRetentionDays, 30);
      const session = c.session();
      await c.track(session, { eventType: 'old' });
      const { profileId } = (await c.identify(session, 'kept@example.com')).body;
      await c.server({ email: 'kept@example.com' }, 'payment_processed', { eventData: { amount: 5, currency: 'USD' } });
      const nobody = await c.server(undefined, 'nobody.old');
      const d1 = await trackMate().d1();
      const day = 86_400_000;
      await d1.prepare("update events set received_at = received_at - ?1 where company = ?2 and type <> 'identify'").bind(31 * day, c.companyId).run();
      // An old time of its own does not make an event old.
      await c.track(session, { eventType: 'imported', timestamp: '2020-01-01T00:00:00Z' });
      const left = () => d1.prepare('select type from events where company = ?1 order by type').bind(c.companyId).all();
      await until('the old ones are gone', async () => {
        await trackMate().sweep();
        return (await left()).results.length === 2;
      });
      assert.ok(nobody.body.messageId);
      assert.deepEqual((await left()).results.map((r) => r.type), ['identify', 'imported']);
      const { events, summary } = await c.timeline(profileId);
      assert.deepEqual(events.map((e) => e.eventType), ['imported', 'user_registered']);
      assert.deepEqual([summary.totalEvents, summary.totalRevenue, summary.sessions], [2, [], { total: 1, client: 1, server: 0 }]);
      assert.equal((await setting(null)).body.settings.eventRetentionDays, null);
      assert.equal((await c.call('PATCH', '/api/admin/settings', { name: 'N' }, c.admin)).body.settings.eventRetentionDays, null);
    });
  });
