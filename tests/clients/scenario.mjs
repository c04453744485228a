// What every client is asked to send, and what must be stored of it. Each sender says only how its client is called.
import assert from 'node:assert/strict';

export const EMAIL = 'ada@example.com';
const BATCHED = 250;

/** What JSON cannot hold stands for a number in the calls; each sender puts the number in, if its language has it. */
const NUMBERS = { huge: '@1e400', nan: '@NaN', low: '@-Infinity' };

/**
 * The calls in their order: `{kind, n, …}`. What is null or blank is to be handed over as it is. `cut` is half of an emoji, or what takes its place where a language
 * has no such text.
 */
export function calls(cut) {
  const user = 'u-1001';
  const list = [
    { kind: 'track', anonymous: 'visitor-1', event: 'Looked', properties: { n: 0 } },
    {
      kind: 'identify', user, once: { first: 'visit' },
      // A zero-width space ends the address, as it does where it was copied from a page.
      traits: { email: `${EMAIL}\u200b`, name: 'Ada Lovelace', bio: `so ${cut}`, [`k${cut}`]: 'v', phone: '', age: null, ...NUMBERS },
    },
    { kind: 'alias', user, previous: 'visitor-1' },
    { kind: 'track', user, event: 'Tracked', properties: { n: 1, text: `Great ${cut}`, [`k${cut}`]: 1, nothing: null, ...NUMBERS }, groups: { company: 'acme' } },
    { kind: 'page', user, name: 'Home', properties: { url: 'https://shop.example/' } },
    { kind: 'group', user, group: 'acme', traits: { plan: 'pro', note: null } },
    { kind: 'track', user, event: `Cut ${cut}`, properties: null },
    { kind: 'page', user, name: '', properties: {} },
    ...['79.99', ' .50', 'a lot'].map((amount) => ({ kind: 'track', user, event: 'payment_processed', properties: { amount, currency: 'usd' } })),
    { kind: 'track', user, event: 'Dated', properties: {}, at: '2025-10-18 12:00:00' },
    ...Array.from({ length: BATCHED }, (_, n) => ({ kind: 'track', user, event: 'Batched', properties: { n } })),
  ];
  return list.map((call, n) => ({ n, ...call }));
}

/** What is stored, how often. */
export const STORED = { Batched: BATCHED, 'Cut \ufffd': 1, Dated: 1, Looked: 1, Tracked: 1, alias: 1, group: 1, identify: 1, page_view: 2, payment_processed: 3 };

/** Whose it is and what it says. `without` are the kinds that the client does not have, and `time` if it says itself when things happened; `own` whether it speaks of groups as PostHog does. */
export async function check(c, total, { without = [], own = false }) {
  const { users } = (await c.get('/api/admin/users')).body;
  assert.equal(users.length, 1, 'nobody was made up');
  const [{ id, externalId, fullName, traits }] = users;
  assert.deepEqual([externalId, fullName, (await c.user(EMAIL))?.id], ['u-1001', 'Ada Lovelace', id]);
  assert.deepEqual([traits.bio, traits['k\ufffd'], traits.phone ?? '', traits.age ?? null], ['so \ufffd', 'v', '', null]);
  if (own) assert.equal(traits.first, 'visit');

  const { events, summary } = await c.timeline(id);
  const named = (name) => events.filter(({ eventType }) => eventType === name).map(({ eventData }) => eventData);
  // A group that PostHog's clients tell of is nobody's event; each other event names the groups of its person.
  assert.equal(events.length, total - (own ? 1 : 0), 'all of it is on one timeline');
  assert.deepEqual(named('Looked').map(({ n }) => n), [0]);
  const [tracked] = named('Tracked');
  assert.deepEqual([tracked.n, tracked.text, tracked['k\ufffd'], tracked.nothing ?? null], [1, 'Great \ufffd', 1, null]);
  for (const of of [traits, tracked]) for (const name of Object.keys(NUMBERS)) assert.equal(of[name] ?? null, null, name);
  assert.deepEqual(named('Batched').map(({ n }) => n), Array.from({ length: BATCHED }, (_, n) => n));
  assert.deepEqual(summary.totalRevenue, [{ currency: 'USD', amount: 80.49 }]);
  if (!without.includes('time')) assert.equal(events.find(({ eventType }) => eventType === 'Dated').timestamp, '2025-10-18T12:00:00.000Z');
  const { groups } = (await c.get('/api/admin/groups')).body;
  assert.deepEqual(groups.map((group) => [group.kind, group.groupId, group.traits, group.membersCount]), [[own ? 'company' : 'group', 'acme', { plan: 'pro' }, 1]]);
  if (!without.includes('alias')) assert.ok((await c.get(`/api/admin/users/${id}/identities`)).body.externalIds.some((known) => known.id === 'visitor-1'));
}
