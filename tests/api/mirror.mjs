// A receiver that keeps a copy of people, as seed 003's CRM does, holds what TrackMate holds, in whatever order deliveries arrive.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { samples } from '../support/docs.mjs';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const MANY = (count) => Array.from({ length: count }, (_, n) => n);

/** What docs/webhooks.md says a receiver does. */
const { upsert } = await import(`data:text/javascript,${encodeURIComponent(samples('js').find(({ text }) => text.includes('upsert')).text)}`);

/** What the seed's CRM keeps of a person. */
const row = ({ email, externalId, firstName, phone, tags, customFields }) => ({ email, externalId, firstName, phone, tags: tags.map((tag) => tag.name), customFields });

/** What the documented rule leaves of these users, which are one person's. */
function kept(users) {
  const copies = new Map();
  for (const user of users) upsert(copies, user);
  return copies.get(users[0].id);
}

/** All orders of a few things. */
const orders = (things) => (things.length < 2 ? [things] : things.flatMap((first, n) => orders(things.toSpliced(n, 1)).map((rest) => [first, ...rest])));

export default (trackMate) =>
  describe('a receiver’s copy of people', () => {
    /** A company whose platform events are gathered by user id. */
    async function mirrored(t) {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      await c.subscribe(receiver.url, ['user.*', 'tag.*', 'customfield.*']);
      const segment = (body) => c.call('POST', '/v1/identify', body, { authorization: `Basic ${btoa(`${c.serverKey}:`)}` });
      const gathered = async (id, count) => {
        const told = () => receiver.requests.filter((r) => r.json.data.user.id === id);
        await until(`${count} events of ${id}`, () => told().length >= count);
        assert.equal(told().length, count, told().map((r) => r.json.event).join());
        return told().map((r) => r.json);
      };
      const held = async (id) => (await c.get(`/api/admin/users/${id}`)).body.user;
      return { c, segment, gathered, held };
    }

    test('is right after the request that made somebody, in whatever order its events arrive, without a comparison', async (t) => {
      const { c, segment, gathered, held } = await mirrored(t);
      const told = await Promise.all(MANY(4).map(async (n) => {
        const user = { firstName: `Ann${n}`, phone: 47, tags: { add: ['vip'] }, customFields: { plan: 'pro' } };
        const [byServer, byIdentify, byVisitor] = await Promise.all([
          c.server({ email: `server${n}@example.com` }, 'signed_up', { user }),
          segment({ userId: `u${n}`, traits: { email: `segment${n}@example.com`, firstName: 'Bea', phone: 47 } }),
          segment({ userId: `v${n}`, anonymousId: `anon${n}`, traits: { email: `visitor${n}@example.com`, firstName: 'Cleo', phone: 47 } }),
        ]);
        assert.deepEqual([byServer.status, byIdentify.status, byVisitor.status], [200, 200, 200]);
        const known = async (email) => (await c.user(email)).id;
        return [[byServer.body.profileId, 4], [await known(`segment${n}@example.com`), 2], [await known(`visitor${n}@example.com`), 2]];
      }));
      for (const [id, count] of told.flat()) {
        const [events, user] = [await gathered(id, count), await held(id)];
        assert.equal(events.filter((e) => e.event === 'user.created').length, 1);
        for (const order of orders(events.map((e) => e.data.user))) assert.deepEqual(row(order.at(-1)), row(user));
        assert.equal(Math.max(...events.map((e) => e.data.user.version)), user.version);
      }
    });

    test('is right after many changes, in whatever order their events arrive, if it ignores what has a lower version', async (t) => {
      const { c, gathered, held } = await mirrored(t);
      await Promise.all(MANY(5).map(async (n) => {
        const { profileId } = (await c.identify(c.session(), `changed${n}@example.com`, { name: 'Ann' })).body;
        const patch = (path, change) => c.call(path === 'tags' ? 'POST' : 'PATCH', `/api/admin/users/${profileId}${path && `/${path}`}`, change, c.admin);
        await patch('', { firstName: 'Bea' });
        // At once: of changes within a millisecond, and of a page's claim between an edit's read and its write.
        const claim = c.identify(c.session(), `changed${n}@example.com`, { city: 'Oslo' });
        await Promise.all([patch('tags', { tags: ['vip'] }), claim, patch('custom-fields', { plan: 'pro' })]);
        await patch('', { firstName: 'Cleo' });
        const [events, user] = [await gathered(profileId, 6), await held(profileId)];
        const users = events.map((e) => e.data.user);
        assert.deepEqual([user.firstName, user.traits.city], ['Cleo', 'Oslo']);
        for (const order of orders(users).filter((_, place) => place % 7 === 0)) {
          assert.deepEqual([row(kept(order)), kept(order).traits], [row(user), user.traits]);
        }
        assert.equal(user.version, Math.max(...users.map((u) => u.version)));
        const states = new Map(users.map((u) => [u.version, JSON.stringify([row(u), u.traits])]));
        for (const u of users) assert.equal(states.get(u.version), JSON.stringify([row(u), u.traits]), 'one version is one state');
      }));
    });
  });
