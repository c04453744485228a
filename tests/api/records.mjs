// What belongs to a user: bookings, QR codes, conversations, messages and any other kind, as the company's server tells of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertFlat, assertProblem, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

const at = (minute) => new Date(Date.UTC(2025, 10, 5, 14, minute)).toISOString();

export default (trackMate) =>
  describe('the records of a user', () => {
    const company = () => newCompany(trackMate());
    const user = async (c, id, query = '') => (await c.get(`/api/admin/users/${id}?${query}`)).body.user;
    const records = async (c, id, query = '') => (await c.get(`/api/admin/users/${id}/records?${query}`)).body;
    const all = 'includeBookings=true&includeQRCodes=true&includeInteractions=true&includeConversations=true&include=order';

    /** The journey of the seed, in another order than it happened in. */
    const journey = async (c, email) => {
      const tell = (eventType, minute, eventData) => c.server({ email }, eventType, { eventData, timestamp: at(minute), messageId: `${email}-${eventType}-${minute}` });
      const { profileId } = (await tell('booking.cancelled', 9, { booking: { id: 'b1' }, reason: 'ill' })).body;
      await tell('booking.updated', 5, { booking: { id: 'b1', status: 'confirmed', guests: 3, price: 79.9 } });
      await tell('booking.created', 1, { booking: { id: 'b1', status: 'pending', guests: 2, startTime: '2025-12-01T09:00:00Z' }, user: { email } });
      await tell('booking.created', 20, { booking: { id: 2, guests: 1 } });
      for (const minute of [3, 2, 4]) await tell('qr.scanned', minute, { qrCode: { code: 'SPRING', lastSeen: minute }, scannedBy: 'till-2' });
      await tell('conversation.started', 6, { conversation: { id: 'c1', topic: 'shoes' } });
      await tell('message.received', 7, { message: { id: 'm1', conversationId: 'c1', text: 'hi' } });
      await tell('message.received', 8, { text: 'no id of its own' });
      await tell('comment.made', 10, { comment: { text: 'nice' } });
      await tell('order.paid', 11, { order: { id: 'o1', total: 5 } });
      return { id: profileId, tell };
    };

    test('stand where events put them, in whatever order those come, and are counted', async () => {
      const c = await company();
      const { id, tell } = await journey(c, 'journey@example.com');
      const shown = await user(c, id, all);
      assert.deepEqual(shown.bookings, [
        { id: '2', kind: 'booking', status: null, guests: 1, createdAt: at(20), updatedAt: at(20) },
        { id: 'b1', kind: 'booking', status: 'cancelled', guests: 3, price: 79.9, startTime: '2025-12-01T09:00:00Z', createdAt: at(1), updatedAt: at(9) },
      ]);
      assert.deepEqual(shown.qrCodes, [{ id: 'SPRING', kind: 'qr', status: 'scanned', code: 'SPRING', lastSeen: 4, scans: 3, createdAt: at(2), updatedAt: at(4) }]);
      assert.deepEqual(shown.conversations, [{ id: 'c1', kind: 'conversation', status: null, topic: 'shoes', createdAt: at(6), updatedAt: at(6) }]);
      assert.deepEqual(shown.interactionHistory.map((i) => [i.kind, i.id, i.text]), [
        ['comment', 'journey@example.com-comment.made-10', 'nice'],
        ['message', 'journey@example.com-message.received-8', 'no id of its own'],
        ['message', 'm1', 'hi'],
      ]);
      assert.deepEqual([shown.records.order[0].total, shown.hasMoreOf], [5, []]);
      const interactions = { messagesCount: 2, commentsCount: 1, storiesCount: 0, totalCount: 3, lastUpdated: at(10) };
      const stats = { bookingsCount: 2, qrScansCount: 3, conversationsCount: 1, lastBooking: at(20), lastSynced: null };
      const plain = await user(c, id);
      assert.deepEqual([plain.interactions, plain.stats], [interactions, stats]);
      assert.deepEqual([plain.bookings, plain.hasMoreOf], [undefined, undefined]);
      // What is sent again changes nothing, also with other content.
      assert.equal((await tell('qr.scanned', 3, { qrCode: { code: 'SPRING', lastSeen: 99 } })).body.duplicates, 1);
      const again = await c.tryServer({ identifier: { email: 'journey@example.com' }, eventType: 'qr.scanned', timestamp: at(50), messageId: 'journey@example.com-qr.scanned-3', eventData: { qrCode: { code: 'SPRING', lastSeen: 99 } } });
      assert.deepEqual([again.body.duplicates, again.cost.written], [1, 0]);
      assert.deepEqual(await user(c, id, all), shown);
    });

    test('are counted in a list as a recount of all events does', async () => {
      const c = await newCompany(trackMate());
      const kinds = ['booking', 'qr', 'conversation', 'message', 'story'];
      const events = Array.from({ length: 120 }, (_, n) => {
        const [kind, verb] = [kinds[n % 5], ['created', 'scanned', 'cancelled'][n % 3]];
        return { who: n % 4, id: `${n % 4}-${n % 7}`, kind, verb, minute: (n * 17) % 60 };
      });
      for (const [n, e] of events.entries()) {
        await c.server({ email: `count${e.who}@example.com` }, `${e.kind}.${e.verb}`, { eventData: { [e.kind === 'qr' ? 'qrCode' : e.kind]: { id: e.id } }, timestamp: at(e.minute), messageId: `n${n}` });
      }
      const listed = (await c.get(`/api/admin/users?${all}`)).body.users;
      assert.equal(listed.length, 4);
      for (const shown of listed) {
        const mine = events.filter((e) => `count${e.who}@example.com` === shown.email);
        const ids = (kind) => new Set(mine.filter((e) => e.kind === kind).map((e) => e.id));
        const first = (id) => Math.min(...mine.filter((e) => e.kind === 'booking' && e.id === id).map((e) => e.minute));
        assert.equal(shown.interactionHistory.filter((i) => i.kind === 'message').length, ids('message').size);
        assert.deepEqual([shown.bookings.length, shown.qrCodes.length, shown.conversations.length], [ids('booking').size, ids('qr').size, ids('conversation').size]);
        assert.deepEqual(shown.stats, {
          bookingsCount: ids('booking').size, qrScansCount: mine.filter((e) => e.kind === 'qr' && e.verb === 'scanned').length, conversationsCount: ids('conversation').size,
          lastBooking: at(Math.max(...[...ids('booking')].map(first))), lastSynced: null,
        });
      }
      // Asked for with records, users are the same: counts are no part of what is included.
      const plain = (await c.get('/api/admin/users')).body.users;
      assert.deepEqual(listed.map((u) => [u.id, u.stats, u.timestamps]), plain.map((u) => [u.id, u.stats, u.timestamps]));
    });

    test('are shown by what is asked for: each alone, together, in a list, by address and for one', async () => {
      const c = await company();
      const email = 'include@example.com';
      const { id } = await journey(c, email);
      const arrays = { includeBookings: ['bookings', 2], includeQRCodes: ['qrCodes', 1], includeInteractions: ['interactionHistory', 3], includeConversations: ['conversations', 1] };
      const names = Object.keys(arrays);
      for (let mask = 1; mask < 16; mask += 1) {
        const asked = names.filter((_, n) => mask & (1 << n));
        const query = asked.map((name) => `${name}=true`).join('&');
        const one = await user(c, id, query);
        const [found] = (await c.get(`/api/admin/users?email=${email}&${query}`)).body.users;
        const listed = (await c.get(`/api/admin/users?search=${email}&${query}`)).body.users;
        for (const name of names) {
          const [array, count] = arrays[name];
          assert.equal(one[array]?.length, asked.includes(name) ? count : undefined, query);
        }
        assert.deepEqual([found, listed], [one, [one]]);
      }
      const others = await user(c, id, 'include=order,qr,none&includeBookings=false');
      assert.deepEqual(Object.entries(others.records).map(([kind, list]) => [kind, list.length]).toSorted(), [['none', 0], ['order', 1], ['qr', 1]]);
      assert.equal(others.bookings, undefined);
      const nothing = (await c.identify(c.session(), 'nothing@example.com')).body.profileId;
      assert.deepEqual((await user(c, nothing, all)).bookings, []);
      for (const [query, field] of [['includeBookings=yes', 'includeBookings'], ['include=a.b', 'include'], ['include=', 'include'], [`include=${'abcdefghijk'.split('')}`, 'include']]) {
        for (const path of [`/api/admin/users/${id}`, '/api/admin/users']) assertProblem(await c.call('GET', `${path}?${query}`, undefined, c.admin), 400, 'invalid_field', field);
      }
    });

    test('are cut where there are many, and the rest is walked through page by page', async () => {
      const c = await company();
      const identifier = { email: 'many-records@example.com' };
      const events = Array.from({ length: 47 }, (_, n) => ({ eventType: 'order.paid', eventData: { order: { id: n } }, timestamp: at(n % 10), messageId: `many-${n}` }));
      const { profileId } = (await c.tryServer({ identifier, events: [...events, { eventType: 'booking.created', eventData: { booking: { id: 'many' } }, timestamp: at(5) }] })).body;
      const shown = await user(c, profileId, 'includeBookings=true&include=order');
      assert.deepEqual([shown.bookings.length, shown.records.order.length, shown.hasMoreOf], [1, 20, ['order']]);
      for (const [kind, count] of [['order', 47], ['booking', 1], ['order,booking', 48], [undefined, 48], ['none', 0]]) {
        const seen = [];
        for (let cursor = ''; cursor !== null; ) {
          const page = await c.get(`/api/admin/users/${profileId}/records?limit=7${kind ? `&kind=${kind}` : ''}${cursor && `&cursor=${cursor}`}`);
          cursor = page.body.pagination.nextCursor;
          assert.equal(page.body.pagination.hasMore, cursor !== null);
          assert.ok(page.cost.read <= 150, `a page of 7 read ${page.cost.read} rows`);
          seen.push(...page.body.records);
        }
        assert.equal(new Set(seen.map((r) => `${r.kind} ${r.id}`)).size, count);
        assert.equal(seen.length, count);
        assert.deepEqual(seen.map((r) => r.updatedAt), seen.map((r) => r.updatedAt).toSorted().toReversed());
        if (kind === 'order') assert.deepEqual(seen.slice(0, 20), shown.records.order);
      }
      const path = `/api/admin/users/${profileId}/records`;
      for (const [query, code, field] of [['limit=0', 'invalid_field', 'limit'], ['limit=201', 'invalid_field', 'limit'], ['kind=a b', 'invalid_field', 'kind'], ['cursor=zz', 'invalid_cursor', 'cursor']]) {
        assertProblem(await c.call('GET', `${path}?${query}`, undefined, c.admin), 400, code, field);
      }
      assertProblem(await c.call('GET', '/api/admin/users/nobody/records', undefined, c.admin), 404, 'unknown_user');
      assertProblem(await c.call('GET', path, undefined, { 'x-admin-id': c.serverKey }), 403, 'wrong_scope');
    });

    test('cannot be made or changed by a page', async () => {
      const c = await company();
      const session = c.session();
      const { id } = await journey(c, 'page@example.com');
      await c.identify(session, 'page@example.com');
      const before = await user(c, id, all);
      await c.track(session,
        { eventType: 'booking.created', eventData: { booking: { id: 'mine', status: 'confirmed' } } },
        { eventType: 'booking.updated', eventData: { booking: { id: 'b1', status: 'confirmed' } } },
        { eventType: 'qr.scanned', eventData: { qrCode: { code: 'SPRING' } } },
        { eventType: 'message.received', eventData: {} });
      await c.identify(session, 'page@example.com', { bookings: [], stats: { bookingsCount: 9 } });
      const { bookings, qrCodes, interactionHistory, conversations, records: others, stats } = await user(c, id, all);
      assert.deepEqual([bookings, qrCodes, interactionHistory, conversations, others, stats], [before.bookings, before.qrCodes, before.interactionHistory, before.conversations, before.records, before.stats]);
      assert.ok((await c.names(id)).filter((name) => name === 'booking.created').length === 3, 'they stay events');
    });

    test('follow their person: told of by session before anybody is known there, by nobody, and on a shared device', async () => {
      const c = await company();
      const session = c.session();
      const tell = (identifier, eventType, minute, booking) => c.server(identifier, eventType, { eventData: { booking }, timestamp: at(minute) });
      await tell({ sessionId: session }, 'booking.created', 10, { id: 'early', place: 'anonymous' });
      await tell(undefined, 'booking.completed', 12, { id: 'early' });
      await tell(undefined, 'booking.created', 12, { id: 'nobody' });
      await tell({ sessionId: session }, 'booking.created', 30, { id: 'late' });
      const first = (await c.identify(session, 'first@example.com', { timestamp: at(20) })).body.profileId;
      const ids = async (id) => (await user(c, id, 'includeBookings=true')).bookings.map((b) => `${b.id} ${b.status}`);
      assert.deepEqual(await ids(first), ['late null', 'early completed']);
      const second = (await c.identify(session, 'second@example.com', { timestamp: at(25) })).body.profileId;
      assert.deepEqual([await ids(first), await ids(second)], [['early completed'], ['late null']]);
      assert.deepEqual([(await user(c, first)).stats.bookingsCount, (await user(c, second)).stats.bookingsCount], [1, 1]);
      // The latest event that names somebody says whose it is.
      await tell({ userId: second }, 'booking.updated', 40, { id: 'early' });
      await tell({ userId: second }, 'booking.updated', 41, { id: 'nobody' });
      assert.deepEqual([await ids(first), (await ids(second)).toSorted()], [[], ['early completed', 'late null', 'nobody null']]);
    });

    test('are no other company\'s, whatever their ids', async () => {
      const c = await company();
      const other = await newCompany(trackMate());
      const { id } = await journey(c, 'wall@example.com');
      const theirs = (await other.server({ email: 'wall@example.com' }, 'booking.updated', { eventData: { booking: { id: 'b1', status: 'theirs' } }, timestamp: at(55) })).body.profileId;
      assert.deepEqual((await user(c, id, all)).bookings.map((b) => b.status), [null, 'cancelled']);
      assert.deepEqual((await user(other, theirs, all)).bookings, [{ id: 'b1', kind: 'booking', status: 'theirs', createdAt: at(55), updatedAt: at(55) }]);
      for (const path of [`/api/admin/users/${id}/records`, `/api/admin/users/${id}?${all}`]) assertProblem(await c.call('GET', path, undefined, other.admin), 404, 'unknown_user');
      assert.deepEqual((await other.get(`/api/admin/users?${all}`)).body.users.map((u) => u.id), [theirs]);
    });

    test('keep what was told as it was sent, of any form and to any length', async () => {
      const c = await company();
      const order = '{"id":"odd","price":79.990,"big":12345678901234567890,"a\\"b\'$.é":{"x":[1,2.50,null]},"nothing":null}';
      const body = `{"identifier":{"email":"odd@example.com"},"eventType":"order.made","eventData":{"order":${order}}}`;
      const { profileId } = (await c.tryServer(body)).body;
      const wide = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`f${n}`, n]));
      const events = Array.from({ length: 9 }, (_, n) => ({ eventType: 'order.made', eventData: { order: { id: `wide${n}`, ...wide } }, timestamp: at(n) }));
      assert.equal((await c.tryServer({ identifier: { userId: profileId }, events })).body.accepted, 9);
      const raw = await (await fetch(`${trackMate().url}/api/admin/users/${profileId}/records`, { headers: c.admin })).text();
      assert.ok(raw.includes('"price":79.990') && raw.includes('"big":12345678901234567890') && raw.includes('{"x":[1,2.50,null]}'), raw.slice(-600));
      const page = await records(c, profileId);
      assert.deepEqual([page.records.length, Object.keys(page.records.find((r) => r.id === 'wide0')).length], [10, 105]);
    });

    test('are delivered as events like any other, and the numbers stand in the user that platform events carry', async (t) => {
      const { c, receiver } = await newWebhook(t, trackMate(), { events: ['booking.*', 'user.updated'] });
      const { profileId } = (await c.server({ email: 'sent@example.com' }, 'booking.created', { eventData: { booking: { id: 'b' } }, timestamp: at(1) })).body;
      await until('the booking is delivered', () => receiver.requests.length === 1);
      assert.deepEqual([receiver.requests[0].json.event, receiver.requests[0].json.data], ['booking.created', { booking: { id: 'b' } }]);
      await c.call('PATCH', `/api/admin/users/${profileId}`, { phone: '+1' }, c.admin);
      await until('the update is delivered', () => receiver.requests.length === 2);
      const { stats } = receiver.requests[1].json.data.user;
      assert.deepEqual([stats.bookingsCount, stats.lastBooking], [1, at(1)]);
    });

    test('cost their event a few rows, whoever has none nothing, and a list one question more', async () => {
      const c = await newCompany(trackMate());
      for (let n = 0; n < 20; n += 1) await c.identify(c.session(), `cost${n}@example.com`);
      const none = await c.get('/api/admin/users?limit=20');
      const told = (n) => c.tryServer({ identifier: { email: `cost${n}@example.com` }, events: [1, 2, 3].map((id) => ({ eventType: 'booking.created', eventData: { booking: { id: `${n}-${id}` } } })) });
      await told(0);
      const { cost } = await told(1);
      assert.ok(cost.trips <= 2 && cost.written <= 3 * 2 + 3 + 3 * 2 + 2, `three bookings wrote ${cost.written} rows in ${cost.trips} trips`);
      const again = await c.tryServer({ identifier: { email: 'cost1@example.com' }, eventType: 'booking.updated', eventData: { booking: { id: '1-1' } } });
      const some = await c.get('/api/admin/users?limit=20');
      assert.equal(some.cost.trips, none.cost.trips);
      const included = await c.get('/api/admin/users?limit=20&includeBookings=true');
      assert.equal(included.cost.trips, none.cost.trips + 1);
      assert.ok(again.cost.trips === 1 && again.cost.written <= 2 + 3 + 3, `a change of a booking wrote ${again.cost.written} rows`);
      assert.ok(some.cost.read <= none.cost.read + 60 && included.cost.read <= some.cost.read + 120, `lists read ${[none, some, included].map((page) => page.cost.read)} rows`);
      // What others have costs nobody anything.
      const one = async () => (await c.get(`/api/admin/users/${some.body.users.find((u) => u.email === 'cost1@example.com').id}?includeBookings=true`)).cost.read;
      const before = await one();
      const events = Array.from({ length: 300 }, (_, id) => ({ eventType: 'booking.created', eventData: { booking: { id } } }));
      await c.tryServer({ identifier: { email: 'cost2@example.com' }, events });
      await c.identify(c.session(), 'another@example.com');
      assertFlat(await one(), before);
    });
  });
