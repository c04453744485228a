// Groups (companies, accounts, teams) as group events tell of them, who is a member, and what an alias does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

const at = (minute) => new Date(Date.UTC(2025, 10, 5, 14, minute)).toISOString();

export default (trackMate) =>
  describe('groups', () => {
    const company = async () => {
      const c = await newCompany(trackMate());
      const group = (groupId, traits, more = {}) => ({ eventType: 'group', eventData: { groupId, traits, ...more.data }, timestamp: at(more.minute ?? 0), messageId: more.messageId });
      return {
        ...c,
        group,
        page: (session, ...how) => c.track(session, group(...how)),
        tell: async (identifier, ...how) => {
          const answer = await c.tryServer({ identifier, ...group(...how) });
          assert.equal(answer.status, 200, JSON.stringify(answer.body));
          return answer;
        },
        groups: async (query = '') => (await c.get(`/api/admin/groups?${query}`)).body.groups,
        members: async (id, query = '') => (await c.get(`/api/admin/groups/${id}/members?${query}`)).body,
        of: async (id) => (await c.get(`/api/admin/users/${id}`)).body.groups.map((g) => g.groupId),
        admin: c.admin,
      };
    };
    const ids = ({ members }) => members.map((m) => m.id).toSorted();

    test('are made by pages and servers, with the traits of both, and have whoever was there for members', async () => {
      const c = await company();
      const session = c.session();
      await c.page(session, 'acme', { name: 'Acme, as a page says', plan: 'trial', seats: 3, none: null }, { minute: 5 });
      const ada = (await c.identify(session, 'ada@example.com', { name: 'Ada', timestamp: at(9) })).body.profileId;
      const { profileId: bob } = (await c.tell({ email: 'bob@example.com' }, 'acme', { name: 'Acme Inc.', seats: null }, { minute: 4 })).body;
      await c.page(session, 'acme', { name: 'Another', plan: 'gold', city: 'Oslo' }, { minute: 8 });
      const [listed] = await c.groups();
      const expected = {
        id: listed.id, groupId: 'acme', kind: 'group', name: 'Acme Inc.', traits: { name: 'Acme Inc.', plan: 'trial', city: 'Oslo' },
        createdAt: at(4), updatedAt: at(8), membersCount: 2,
      };
      assert.match(listed.id, /^grp_[0-9a-f]{24}$/);
      assert.deepEqual([listed, (await c.get(`/api/admin/groups/${listed.id}`)).body.group], [expected, expected]);
      assert.deepEqual((await c.members(listed.id)).members.toSorted((a, b) => (a.email < b.email ? -1 : 1)), [
        { id: ada, email: 'ada@example.com', name: 'Ada' }, { id: bob, email: 'bob@example.com', name: null },
      ]);
      assert.deepEqual((await c.get(`/api/admin/users/${ada}`)).body.groups, [{ id: listed.id, groupId: 'acme', kind: 'group', name: 'Acme Inc.' }]);
      const exported = (await c.call('GET', `/api/admin/users/${ada}/export`, undefined, c.admin)).body;
      assert.deepEqual(exported.groups.map((g) => g.groupId), ['acme']);
      assert.equal((await c.names(ada)).filter((name) => name === 'group').length, 2, 'they stay events');
      // The same id of another kind is another group.
      await c.tell({ userId: ada }, 'acme', { name: 'The team' }, { data: { groupType: 'team' } });
      assert.deepEqual((await c.groups()).map((g) => [g.kind, g.name, g.membersCount]), [['group', 'Acme Inc.', 2], ['team', 'The team', 1]]);
      assert.deepEqual((await c.groups('kind=team')).map((g) => g.kind), ['team']);
    });

    test('cannot be made by what names none', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, { eventType: 'group' }, { eventType: 'group', eventData: { groupId: 'undefined' } }, { eventType: 'group', eventData: { groupId: { a: 1 } } },
        { eventType: 'group', eventData: { groupId: 'a', groupType: 'no kind' } }, { eventType: 'Group', eventData: { groupId: 'a' } });
      assert.deepEqual(await c.groups(), []);
    });

    test('take the latest of what servers say in any order, once, and never what a page says over it', async () => {
      const c = await company();
      const session = c.session();
      await c.tell(undefined, 'acme', { plan: 'gold' }, { minute: 9, messageId: 'late' });
      await c.tell(undefined, 'acme', { plan: 'silver', seats: 5 }, { minute: 3, messageId: 'early' });
      const again = await c.tell(undefined, 'acme', { plan: 'other' }, { minute: 30, messageId: 'late' });
      assert.deepEqual([again.body.duplicates, again.cost.written], [1, 0]);
      await c.page(session, 'acme', { plan: 'free', seats: 500 }, { minute: 40 });
      const [group] = await c.groups();
      assert.deepEqual([group.traits, group.membersCount], [{ plan: 'gold', seats: 5 }, 0]);
    });

    test('are what an admin says from then on, are deleted by one, and both stand in the audit log', async () => {
      const c = await company();
      const session = c.session();
      const future = new Date(Date.now() + 3_600_000).toISOString();
      await c.tryServer({ identifier: { email: 'ada@example.com' }, eventType: 'group', eventData: { groupId: 'acme', traits: { plan: 'gold', seats: 2 } }, timestamp: future });
      const [{ id }] = await c.groups();
      const path = `/api/admin/groups/${id}`;
      const said = await c.call('PATCH', path, { traits: { plan: 'silver', seats: null, price: 79.9 } }, c.admin);
      assert.deepEqual([said.status, said.body.group.traits], [200, { plan: 'silver', price: 79.9 }]);
      for (const [body, code] of [[{}, 'missing_field'], [{ traits: [] }, 'invalid_field'], [{ traits: { a: 'x'.repeat(9000) } }, 'invalid_field'], [{ traits: { '': 1 } }, 'invalid_field']]) {
        assertProblem(await c.call('PATCH', path, body, c.admin), 400, code, 'traits');
      }
      assertProblem(await c.call('PATCH', path, { traits: {} }, c.key), 401, 'missing_key');
      const { id: ada } = await c.user('ada@example.com');
      assert.deepEqual((await c.call('DELETE', path, undefined, c.admin)).body, { success: true });
      for (const [method, tail] of [['GET', ''], ['GET', '/members'], ['PATCH', ''], ['DELETE', '']]) {
        assertProblem(await c.call(method, path + tail, method === 'PATCH' ? { traits: {} } : undefined, c.admin), 404, 'not_found');
      }
      assert.deepEqual([await c.groups(), await c.of(ada)], [[], []]);
      await c.page(session, 'acme', { name: 'Anew' });
      const [anew] = await c.groups();
      assert.deepEqual([anew.id, anew.traits, anew.membersCount], [id, { name: 'Anew' }, 0]);
      const entries = (await c.get('/api/admin/audit')).body.entries.filter((e) => e.outcome === 'ok' && e.action.startsWith('group.'));
      assert.deepEqual(entries.map((e) => [e.action, e.targetId]), [['group.delete', id], ['group.update', id]]);
    });

    test('follow their members: identified late, on a shared device, undone, merged, parted, erased', async () => {
      const c = await company();
      const session = c.session();
      await c.page(session, 'acme', {}, { minute: 1 });
      await c.page(session, 'acme', {}, { minute: 30 });
      const [{ id }] = await c.groups();
      assert.deepEqual(ids(await c.members(id)), []);
      const first = (await c.identify(session, 'first@example.com', { timestamp: at(10), messageId: 'i1' })).body.profileId;
      assert.deepEqual(ids(await c.members(id)), [first]);
      const second = (await c.identify(session, 'second@example.com', { timestamp: at(20), messageId: 'i2' })).body.profileId;
      assert.deepEqual(ids(await c.members(id)), [first, second].toSorted());
      await c.call('POST', '/api/admin/identity/undo', { messageId: 'i2' }, c.admin);
      assert.deepEqual(ids(await c.members(id)), [first]);
      const { profileId: third } = (await c.tell({ email: 'third@example.com' }, 'acme', {})).body;
      const { profileId: fourth } = (await c.tell({ email: 'fourth@example.com' }, 'other', { contact: 'fourth@example.com' })).body;
      await c.call('POST', '/api/admin/identity/merge', { into: first, from: fourth }, c.admin);
      assert.deepEqual([ids(await c.members(id)), await c.of(first)], [[first, third].toSorted(), ['acme', 'other']]);
      await c.call('POST', '/api/admin/identity/undo', { profileId: fourth }, c.admin);
      assert.deepEqual([await c.of(first), await c.of(fourth)], [['acme'], ['other']]);
      const erased = (await c.call('DELETE', `/api/admin/users/${fourth}`, undefined, c.admin)).body.receipt;
      assert.deepEqual([erased.complete, erased.counts.memberships], [true, 1]);
      assert.deepEqual((await c.groups()).map((g) => [g.groupId, g.traits, g.membersCount]), [['acme', {}, 2], ['other', {}, 0]]);
    });

    test('are listed, searched and walked through page by page, members too', async () => {
      const c = await company();
      const named = Array.from({ length: 23 }, (_, n) => c.group(`g${String(n).padStart(2, '0')}/é`, { name: `Company ${n % 5}` }));
      await c.tryServer({ events: named });
      const walk = async (path, what) => {
        const seen = [];
        for (let cursor = ''; cursor !== null; ) {
          const { body } = await c.get(`${path}limit=5${cursor && `&cursor=${cursor}`}`);
          cursor = body.pagination.nextCursor;
          seen.push(...body[what]);
        }
        return seen;
      };
      assert.deepEqual((await walk('/api/admin/groups?', 'groups')).map((g) => g.groupId), named.map((e) => e.eventData.groupId));
      assert.deepEqual((await walk('/api/admin/groups?search=COMPANY%202&', 'groups')).map((g) => g.name), Array(5).fill('Company 2'));
      assert.deepEqual((await c.groups('search=g07')).map((g) => g.groupId), ['g07/é']);
      assert.deepEqual((await c.groups(`groupId=${encodeURIComponent('g07/é')}`)).length, 1);
      for (const query of ['limit=101', 'search=', `search=${'x'.repeat(201)}`]) assertProblem(await c.call('GET', `/api/admin/groups?${query}`, undefined, c.admin), 400, 'invalid_field');
      assertProblem(await c.call('GET', '/api/admin/groups?cursor=zz', undefined, c.admin), 400, 'invalid_cursor', 'cursor');
      const people = [];
      for (let n = 0; n < 12; n += 1) {
        const session = c.session();
        people.push((await c.identify(session, `m${n}@example.com`)).body.profileId);
        for (let time = 0; time < 3; time += 1) await c.track(session, c.group('g00/é'));
        if (n % 3 === 0) await c.tell({ email: `m${n}@example.com` }, 'g00/é');
      }
      const [{ id, membersCount }] = await c.groups('search=g00');
      assert.deepEqual([(await walk(`/api/admin/groups/${id}/members?`, 'members')).map((m) => m.id).toSorted(), membersCount], [people.toSorted(), 12]);
      assertProblem(await c.call('GET', `/api/admin/groups/${id}/members?cursor=zz`, undefined, c.admin), 400, 'invalid_cursor', 'cursor');
    });

    test('have bounds for pages, and none for servers', async () => {
      const c = await company();
      const session = c.session();
      await c.identify(session, 'many@example.com');
      const named = Array.from({ length: 60 }, (_, n) => c.group(`p${n}`, { n }));
      assert.equal((await c.track(session, ...named)).body.accepted, 60);
      assert.equal((await c.groups('limit=100')).length, 50, 'of one request');
      await c.tryServer({ events: Array.from({ length: 60 }, (_, n) => c.group(`s${n}`, { n })) });
      const walk = [];
      for (let cursor = ''; cursor !== null; ) {
        const { body } = await c.get(`/api/admin/groups?limit=100${cursor && `&cursor=${cursor}`}`);
        cursor = body.pagination.nextCursor;
        walk.push(...body.groups);
      }
      assert.equal(walk.length, 110);
      // A layer keeps what one event can tell: the first of pages, the latest of servers.
      const text = 'x'.repeat(7000);
      for (let n = 0; n < 10; n += 1) {
        await c.page(session, 'large', { [`claimed${n}`]: text });
        await c.tell(undefined, 'large', { [`said${n}`]: text }, { minute: n });
      }
      const [large] = await c.groups('groupId=large');
      assert.deepEqual(Object.keys(large.traits).filter((name) => name.startsWith('claimed')), Array.from({ length: 6 }, (_, n) => `claimed${n}`));
      assert.deepEqual(Object.keys(large.traits).filter((name) => name.startsWith('said')), Array.from({ length: 6 }, (_, n) => `said${n + 4}`));
    });

    test('told of five hundred times in a request cost it little, whatever they hold', async () => {
      const c = await company();
      const session = c.session();
      for (let n = 0; n < 6; n += 1) await c.page(session, 'full', { [`t${n}`]: 'x'.repeat(7000) });
      const events = Array.from({ length: 500 }, (_, n) => c.group('full', { [`n${n}`]: n }));
      const { cost, body } = await c.track(session, ...events);
      assert.ok(body.accepted === 500 && cost.read <= 20_000, `500 claims of a full group read ${cost.read} rows`);
    });

    test('are delivered as events like any other', async (t) => {
      const { c, receiver } = await newWebhook(t, trackMate(), { events: ['group'] });
      await c.server({ email: 'sent@example.com' }, 'group', { eventData: { groupId: 'acme', traits: { plan: 'gold' } } });
      await until('the event is delivered', () => receiver.requests.length === 1);
      assert.deepEqual(receiver.requests[0].json.data, { groupId: 'acme', traits: { plan: 'gold' } });
    });

    test('cost their event a few rows, and everyone else nothing', async () => {
      const c = await company();
      const session = c.session();
      await c.identify(session, 'cost@example.com');
      // A name that is new is a row more, of the catalogue: here `page_view`, and `group` below.
      await c.track(session, { eventType: 'page_view' });
      const plain = await c.track(session, { eventType: 'page_view' });
      const first = await c.page(session, 'acme', { name: 'Acme' });
      const again = await c.page(session, 'acme', { name: 'Acme' }, { minute: 1 });
      // The group and its place, two each; what the session has; its name in the catalogue; the number of groups that pages named.
      assert.ok(first.cost.trips === 1 && first.cost.written <= plain.cost.written + 2 + 2 + 2 + 1 + 1, `a new group wrote ${first.cost.written} rows`);
      assert.ok(again.cost.trips === 1 && again.cost.written <= plain.cost.written + 2, `a group named again wrote ${again.cost.written} rows`);
      await c.tell({ email: 'cost@example.com' }, 'acme', { plan: 'gold' });
      const nightly = await c.tell({ email: 'cost@example.com' }, 'acme', { plan: 'gold' }, { minute: 2 });
      assert.ok(nightly.cost.trips === 1 && nightly.cost.written <= plain.cost.written + 1, `a server that names it again wrote ${nightly.cost.written} rows`);
      const after = await c.track(session, { eventType: 'page_view' });
      assert.deepEqual([after.cost.trips, after.cost.written], [plain.cost.trips, plain.cost.written]);
      // A page of members reads what it shows, however many there are.
      const [{ id }] = await c.groups();
      const read = async () => (await c.get(`/api/admin/groups/${id}/members?limit=1`)).cost.read;
      const few = await read();
      for (let n = 0; n < 30; n += 1) await c.tell({ email: `many${n}@example.com` }, 'acme');
      const counted = (await c.get(`/api/admin/groups/${id}`)).cost.read;
      const page = await read();
      assert.ok(page - counted <= few + 30, `a page of one member read ${page} rows, ${few} before there were others; their group ${counted}`);
    });

    describe('and an alias', () => {
      const alias = (c, previousId, userId, more = {}) => c.tryServer({ eventType: 'alias', eventData: { previousId, userId }, ...more });
      const same = async (c, a, b) => (await c.get(`/api/admin/users/${a}`)).body.user.id === (await c.get(`/api/admin/users/${b}`)).body.user.id;

      test('of a server makes one user of two that are known, by id or by address, and is an event of the one they are', async () => {
        const c = await company();
        const people = [];
        for (const n of [0, 1, 2]) people.push((await c.identify(c.session(), `alias${n}@example.com`)).body.profileId);
        const done = await alias(c, people[0], people[1], { identifier: { userId: people[0] }, messageId: 'a1' });
        assert.deepEqual([done.status, done.body.warnings, done.body.profileId], [200, undefined, people[1]]);
        assert.ok(await same(c, people[0], people[1]));
        assert.ok((await c.names(people[1])).includes('alias'));
        assert.equal((await alias(c, ' Alias2@Example.com', people[1])).body.warnings, undefined);
        assert.ok(await same(c, people[2], people[1]));
        // Of oneself, or of those who are one already, it is nothing.
        for (const pair of [[people[0], people[0]], ['x', 'x'], [people[0], people[1]]]) assert.equal((await alias(c, ...pair)).body.warnings, undefined);
        // A repeat undoes no undo.
        await c.call('POST', '/api/admin/identity/undo', { profileId: people[0] }, c.admin);
        assert.equal((await alias(c, people[0], people[1], { messageId: 'a1' })).body.duplicates, 1);
        assert.ok(!(await same(c, people[0], people[1])));
      });

      test('of a server names people by the company’s own ids too, as other vendors’ clients do', async () => {
        const c = await company();
        const call = (path, body) => c.call('POST', path, body, { authorization: `Bearer ${c.serverKey}` });
        for (const userId of ['crm-1', 'crm-2', 'a@crm@3', '47']) assert.equal((await call('/v1/identify', { userId, traits: { plan: 'gold' } })).body.accepted, 1);
        const ids = async () => Promise.all(['crm-1', 'crm-2', 'a@crm@3', '47'].map(async (id) => (await c.get(`/api/admin/users?externalId=${encodeURIComponent(id)}`)).body.users[0].id));
        const [one, two] = await ids();
        const ada = (await c.identify(c.session(), 'ada-crm@example.com')).body.profileId;
        for (const pair of [['crm-2', ' crm-1 '], ['ada-crm@example.com', 'crm-1'], ['a@crm@3', one], [47, two]]) assert.equal((await alias(c, ...pair)).body.warnings, undefined, pair[0]);
        assert.deepEqual(await ids(), [one, one, one, one]);
        assert.ok(await same(c, ada, one));
        await c.call('DELETE', `/api/admin/users/${one}`, undefined, c.admin);
        const bob = (await c.identify(c.session(), 'bob-crm@example.com')).body.profileId;
        assert.deepEqual((await alias(c, 'crm-2', bob)).body.warnings.map((w) => w.code), ['alias_refused']);
        assert.deepEqual((await alias(c, 'crm-4', bob)).body.warnings.map((w) => w.code), ['alias_unknown']);
      });

      test('that names somebody unknown or erased is an event with a warning, and costs the batch nothing', async () => {
        const c = await company();
        const ada = (await c.identify(c.session(), 'ada@example.com')).body.profileId;
        const gone = (await c.identify(c.session(), 'gone@example.com')).body.profileId;
        await c.call('DELETE', `/api/admin/users/${gone}`, undefined, c.admin);
        const event = (previousId, userId) => ({ eventType: 'alias', eventData: { previousId, userId } });
        const { body } = await c.tryServer({ events: [event('nobody', ada), event('stranger@example.com', ada), event(undefined, ada), event(gone, ada), { eventType: 'x' }] });
        assert.deepEqual([body.accepted, body.warnings.map((w) => w.code)], [5, ['alias_unknown', 'alias_refused']]);
      });

      test('of a page is an event and merges nobody', async () => {
        const c = await company();
        const session = c.session();
        const ada = (await c.identify(session, 'ada@example.com')).body.profileId;
        const bob = (await c.identify(c.session(), 'bob@example.com')).body.profileId;
        await c.track(session, { eventType: 'alias', eventData: { previousId: bob, userId: ada } });
        assert.ok(!(await same(c, ada, bob)));
        assert.ok((await c.names(ada)).includes('alias'));
      });
    });
  });
