// GET /api/admin/users: every parameter, alone and in pairs, against a naive oracle over 2 000 users, and walks while others change.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

const COUNT = 2000;
const DAY = 86_400_000;
const BEGIN = Date.UTC(2025, 0, 1);
const NAMES = ['Ada', 'ada', 'Björn', 'Chen', 'Émile', 'Zoë', 'john', 'Johnson', "O'Neil", 'Ann-Marie'];
const LAST = ['Lovelace', 'Berg', 'lovell', 'Smith', 'Åberg', undefined];
const TAGS = ['vip', 'new', 'x"y', "o'tag"];
const PLATFORMS = ['messenger', 'instagram', 'whatsapp', 'telegram'];

/** A generator of numbers that is the same in every run. */
function seeded(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const ascii = (text) => (text ?? '').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
const bytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const words = (text) => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/** Whether each word of the search stands in the user's words, several in a row for one with signs in it, the last of them as a beginning. */
function finds(user, search) {
  const text = words([user.email, user.fullName, user.firstName, user.lastName].filter(Boolean).join(' '));
  return search.split(/\s+/).map(words).filter((w) => w.length > 0).every((phrase) =>
    text.some((_, at) => phrase.every((word, n) => (n === phrase.length - 1 ? (text[at + n] ?? '').startsWith(word) : text[at + n] === word))));
}

/** What the list should hold, by looking at every user. */
const KEEPS = {
  createdAfter: (user, value) => user.createdAt >= new Date(value).toISOString(),
  createdBefore: (user, value) => user.createdAt < new Date(value).toISOString(),
  updatedAfter: (user, value) => user.timestamps.updatedAt >= value,
  hasTag: (user, value) => user.tags.some((tag) => tag.name === value),
  'customField[points]': (user, value) => user.customFields.points === value,
  'customField[odd "name"]': (user, value) => user.customFields['odd "name"'] === value,
  optedIn: (user, value) => user.optIns[value],
  exportConsentOnly: (user, value) => value !== 'true' || user.exportConsent.given,
  search: finds,
};
const KEYS = {
  createdAt: (user) => user.createdAt,
  updatedAt: (user) => user.timestamps.updatedAt,
  firstName: (user) => ascii(user.firstName),
  lastName: (user) => ascii(user.lastName),
  undefined: () => '',
};
function oracle(users, { sortBy, sortOrder, ...filters }) {
  const kept = users.filter((user) => Object.entries(filters).every(([name, value]) => KEEPS[name](user, value)));
  const key = KEYS[sortBy];
  kept.sort((a, b) => bytes(key(a), key(b)) || bytes(a.id, b.id));
  return (sortOrder === 'desc' ? kept.reverse() : kept).map((user) => user.id);
}

export default (trackMate) =>
  describe('the list of users', () => {
    const world = {};
    const path = (params) => `/api/admin/users?${new URLSearchParams(params)}`;

    /** A company of generated users, as the API itself shows them one by one. */
    async function people() {
      if (world.c) return world;
      const c = await newCompany(trackMate());
      const other = await newCompany(trackMate());
      await other.server({ email: 'ada@elsewhere.example' }, 'first', { user: { firstName: 'Ada', tags: { add: ['vip'] } } });
      const random = seeded(7);
      const pick = (list) => list[random(list.length)];
      const makes = Array.from({ length: COUNT }, (_, n) => {
        const timestamp = new Date(BEGIN + random(300) * DAY + random(3) * 1000).toISOString();
        const email = `${ascii(pick(NAMES)).replaceAll(/[^a-z]/g, '')}.${n}@${pick(['mail', 'work'])}.example`;
        const user = {
          ...(random(4) > 0 && { firstName: pick(NAMES) }),
          ...(random(3) > 0 && { lastName: pick(LAST) }),
          ...(random(3) === 0 && { optIns: { [pick(PLATFORMS)]: true, [pick(PLATFORMS)]: random(2) === 0 } }),
          ...(random(3) === 0 && { exportConsent: random(3) > 0 }),
          ...(random(2) === 0 && { customFields: { points: random(5), ...(random(4) === 0 && { 'odd "name"': 'é' }) } }),
          ...(random(2) === 0 && { tags: { add: [pick(TAGS), pick(TAGS)] } }),
        };
        if (random(3) === 0) return () => c.identify(c.session(), email, { ...user, tags: undefined, timestamp });
        return () => c.server({ email }, 'imported', { timestamp, user });
      });
      for (let n = 0; n < COUNT; n += 20) await Promise.all(makes.slice(n, n + 20).map((make) => make()));
      const users = [];
      for (let cursor = ''; cursor !== null; ) {
        const { body } = await c.get(`${path({ limit: 1000 })}&cursor=${cursor}`);
        users.push(...body.users);
        cursor = body.pagination.nextCursor;
      }
      assert.equal(new Set(users.map((user) => user.id)).size, COUNT);
      const updated = users.map((user) => user.timestamps.updatedAt).toSorted()[COUNT / 2];
      world.filters = {
        createdAfter: '2025-05-01', createdBefore: '2025-08-01T00:00:00.000Z', updatedAfter: updated, hasTag: 'x"y', 'customField[points]': '3',
        'customField[odd "name"]': 'é', optedIn: 'whatsapp', exportConsentOnly: 'true', search: 'jo',
      };
      return Object.assign(world, { c, users });
    }

    async function check(params) {
      const { c, users } = await people();
      const expected = oracle(users, params);
      const { body } = await c.get(path({ ...params, limit: 1000 }));
      const note = JSON.stringify(params);
      assert.deepEqual(body.users.map((user) => user.id), expected.slice(0, 1000), note);
      assert.equal(body.pagination.total, expected.length, note);
      assert.equal(body.pagination.hasMore, expected.length > 1000, note);
      return expected.length;
    }

    test('agrees with the oracle on every filter, alone and with every other', async () => {
      const { filters } = await people();
      for (const [a, one] of Object.entries(filters)) {
        const kept = await check({ [a]: one });
        assert.ok(kept > 0 && kept < COUNT, `${a} keeps ${kept}`);
        for (const [b, other] of Object.entries(filters)) if (a < b) await check({ [a]: one, [b]: other });
      }
    });

    test('agrees with the oracle on every order, with and without a filter', async () => {
      const { filters } = await people();
      for (const sortBy of ['createdAt', 'updatedAt', 'firstName', 'lastName', undefined]) {
        for (const sortOrder of ['asc', 'desc', undefined]) {
          const order = Object.fromEntries(Object.entries({ sortBy, sortOrder }).filter(([, v]) => v));
          await check(order);
          for (const [name, value] of Object.entries(filters)) await check({ ...order, [name]: value });
        }
      }
    });

    test('finds by the beginnings of words, whatever signs are in them', async () => {
      for (const search of ['ada', 'ADA', 'bjorn', 'Zoe smith', "o'neil", 'ann-mar', 'john.7@', 'jo smi', 'NOT ada OR "x', 'text:ada', 'mail* ada', 'nobodyatall', '\0ada', Array(100).fill('a').join(' ')]) await check({ search });
    });

    test('finds the words of now, also after they changed', async () => {
      const c = await newCompany(trackMate());
      const session = c.session();
      const { profileId } = (await c.identify(session, 'words@example.com', { firstName: 'Old' })).body;
      const found = async (search) => (await c.get(path({ search }))).body.users.map((user) => user.id);
      assert.deepEqual(await found('old'), [profileId]);
      await c.call('PATCH', `/api/admin/users/${profileId}`, { firstName: 'New' }, c.admin);
      assert.deepEqual([await found('old'), await found('new')], [[], [profileId]]);
      await c.identify(session, 'words@example.com', { lastName: 'Claimed' });
      assert.deepEqual(await found('claim'), [profileId]);
      const other = await newCompany(trackMate());
      assert.deepEqual((await other.get(path({ search: 'new' }))).body.users, [], 'another company finds nobody');
    });

    test('shows any part by limit and offset, and every part by its cursor', async () => {
      const { c, users } = await people();
      const params = { sortBy: 'lastName', sortOrder: 'desc', hasTag: 'vip' };
      const expected = oracle(users, params);
      const page = (await c.get(path({ ...params, limit: 7, offset: 30 }))).body;
      assert.deepEqual(page.users.map((user) => user.id), expected.slice(30, 37));
      assert.deepEqual([page.pagination.limit, page.pagination.offset, page.pagination.hasMore], [7, 30, true]);
      for (const sortBy of ['createdAt', 'updatedAt', 'firstName', undefined]) {
        const order = { ...(sortBy && { sortBy }), hasTag: 'vip' };
        const walked = [];
        for (let cursor = ''; cursor !== null; ) {
          const { body } = await c.get(path({ ...order, limit: 60, cursor }));
          walked.push(...body.users.map((user) => user.id));
          cursor = body.pagination.nextCursor;
        }
        assert.deepEqual(walked, oracle(users, order), `${sortBy}`);
      }
    });

    test('walked by cursor while others change neither skips nor repeats one that did not', async () => {
      const c = await newCompany(trackMate());
      const ids = [];
      for (let n = 0; n < 60; n += 1) ids.push((await c.server({ email: `walk${n}@example.com` }, 'x', { user: { firstName: `n${n % 7}`, lastName: 'Still' } })).body.profileId);
      const moving = new Set(ids.filter((_, n) => n % 3 === 0));
      for (const sortBy of ['updatedAt', 'firstName', undefined]) {
        for (const sortOrder of ['asc', 'desc']) {
          const walked = [];
          for (let cursor = '', round = 0; cursor !== null; round += 1) {
            const { body } = await c.get(path({ ...(sortBy && { sortBy }), sortOrder, limit: 8, cursor }));
            walked.push(...body.users.map((user) => user.id));
            cursor = body.pagination.nextCursor;
            const change = { firstName: `m${(round * 5) % 9}`, lastName: `moved${round}` };
            await Promise.all([...moving].slice(round % 4, (round % 4) + 5).map((id) => c.call('PATCH', `/api/admin/users/${id}`, change, c.admin)));
            await c.server({ email: `late-${sortBy}-${sortOrder}-${round}@example.com` }, 'x');
            assert.ok(round < 60, 'the walk ends');
          }
          const still = walked.filter((id) => ids.includes(id) && !moving.has(id));
          assert.deepEqual(still.toSorted(), ids.filter((id) => !moving.has(id)).toSorted(), `${sortBy} ${sortOrder}`);
        }
      }
    });

    test('refuses what it does not understand, and a cursor that it did not give out for this very list', async () => {
      const { c } = await people();
      const other = await newCompany(trackMate());
      const get = (params, admin = c.admin) => c.call('GET', path(params), undefined, admin);
      const bad = { limit: '1001', offset: '10001', optedIn: 'fax', exportConsentOnly: 'yes', search: ' - ', sortBy: 'email', sortOrder: 'up' };
      for (const [name, value] of Object.entries(bad)) assertProblem(await get({ [name]: value }), 400, 'invalid_field', name);
      for (const name of ['createdAfter', 'createdBefore', 'updatedAfter']) assertProblem(await get({ [name]: 'soon' }), 400, 'invalid_timestamp', name);
      const cursor = (await get({ limit: 5, hasTag: 'vip' })).body.pagination.nextCursor;
      assert.equal((await get({ limit: 9, hasTag: 'vip', cursor })).status, 200);
      assertProblem(await get({ limit: 5, hasTag: 'new', cursor }), 400, 'invalid_cursor', 'cursor');
      assertProblem(await get({ limit: 5, hasTag: 'vip', sortOrder: 'desc', cursor }), 400, 'invalid_cursor', 'cursor');
      assertProblem(await get({ limit: 5, hasTag: 'vip', cursor }, other.admin), 400, 'invalid_cursor', 'cursor');
      assertProblem(await get({ limit: 5, hasTag: 'vip', offset: '5', cursor }), 400, 'invalid_field', 'offset');
      for (const made of ['nonsense', Buffer.from('["", "a"]').toString('base64url'), `${cursor.slice(0, -4)}AAAA`]) {
        assertProblem(await get({ limit: 5, hasTag: 'vip', cursor: made }), 400, 'invalid_cursor', 'cursor');
      }
    });

    test('counts exactly to ten thousand and says so beyond, and reads no more rows further in', async () => {
      const c = await newCompany(trackMate());
      const d1 = await trackMate().d1();
      const series = `insert into profiles (company, id, email, traits, server_session, created_at, updated_at)
        with recursive n (value) as (select cast(?2 as integer) union all select value + 1 from n where value < ?3)
        select ?1, printf('%024x', value), 'n' || value || '@example.com', '{}', 's' || value, value, value from n`;
      await d1.prepare(series).bind(c.companyId, 1, 10_000).run();
      const total = async () => (await c.get(path({ limit: 1 }))).body.pagination.total;
      assert.equal(await total(), 10_000);
      await d1.prepare(series).bind(c.companyId, 10_001, 10_001).run();
      assert.deepEqual(await total(), { value: 10_000, relation: 'gte' });
      // The first search writes everybody's words, and looks at each of them a bounded number of times.
      const search = await c.get(path({ search: 'n77', limit: 1 }));
      assert.equal(search.body.pagination.total, 111);
      assert.ok(search.cost.read <= 60 * 10_001, `the first search read ${search.cost.read} rows`);
      const reads = [];
      const totals = new Set();
      for (let cursor = '', n = 0; n < 10; n += 1) {
        const page = await c.get(path({ limit: 1000, cursor }));
        reads.push(page.cost.read);
        totals.add(JSON.stringify(page.body.pagination.total));
        cursor = page.body.pagination.nextCursor;
      }
      // Only the first page counts; the others read what they show.
      const [first, ...others] = reads;
      assert.ok(first >= 10_000 && others.every((read) => Math.abs(read - others[0]) <= 10 && read <= 8100), `${reads}`);
      assert.deepEqual([...totals], ['{"value":10000,"relation":"gte"}']);
    });
  });
