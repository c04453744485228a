// Who is who when all comes at once: generated histories of a few people each (identifies of pages and servers, aliases, pairs of ids, edits, merges, undos, late
// and repeated requests) are sent in bursts of eight, in two orders, to two companies. Both must end with the same people, events and counts, and with those
// that a model of ten lines expects. `HISTORIES=600 SEED=1` says how many, and which.
//
// Where the order may matter by what is documented, no history lets it: each request says a trait, tag or field of its own (of two that say the same, the first
// claim stays and a server's last word counts), a page names one id at a time (what it says of two fills gaps, unless a server has told of them), and nobody
// whom an admin parts is said to be one by a server. Every answer is 200, or 503 with
// Retry-After, and then the request is sent again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';

const HISTORIES = Number(process.env.HISTORIES ?? 25);
const SEED = Number(process.env.SEED ?? 1);
const BURST = 8;
const START = Date.UTC(2025, 0, 1);

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const shuffled = (list, next) => list.map((item) => [next(), item]).sort(([a], [b]) => a - b).map(([, item]) => item);

/**
 * One history: what is sent first, what is done then, and what must come of it. A request is {path, body, door}. `links` are identifies of a session,
 * `placed` events on a session, `told` events of a person; a person is a number.
 */
function history(n, next) {
  const below = (count) => Math.floor(next() * count);
  const people = Array.from({ length: 2 + below(3) }, (_, p) => ({ p, user: `u${n}-${p}`, email: `u${n}-${p}@example.com`, former: `f${n}-${p}` }));
  const sessions = Array.from({ length: 1 + below(3) }, (_, s) => `s${n}-${s}`);
  const [links, placed, told, requests] = [[], [], [], []];
  let ids = 0;
  let ms = 0;
  const fresh = () => ({ messageId: `m${n}-${(ids += 1)}`, at: START + (ms += 1 + below(60_000)) });
  const send = (door, path, body) => requests.push({ door, path, body });
  const iso = (at) => new Date(at).toISOString();
  for (const person of people) {
    // Each of the person's keys is named with another at least once, and each in an event of its own.
    const pair = () => {
      const { messageId, at } = fresh();
      told.push([messageId, person.p]);
      send('server', '/v1/identify', { messageId, timestamp: iso(at), userId: person.user, traits: { email: person.email, [`t-${messageId}`]: messageId } });
    };
    const alias = () => {
      const { messageId, at } = fresh();
      told.push([messageId, person.p]);
      send('server', '/v1/alias', { messageId, timestamp: iso(at), userId: person.user, previousId: person.former });
    };
    const track = (userId) => {
      const { messageId, at } = fresh();
      told.push([messageId, person.p]);
      send('server', '/v1/track', { messageId, timestamp: iso(at), userId, event: 'told' });
    };
    pair();
    alias();
    for (const key of [person.user, person.former, person.email]) track(key);
    if (below(2)) pair();
    if (below(2)) alias();
  }
  for (let k = 0; k < 6; k += 1) {
    const person = people[below(people.length)];
    const session = sessions[below(sessions.length)];
    const { messageId, at } = fresh();
    const timestamp = iso(at);
    switch (below(6)) {
      case 0:
        links.push([session, at, messageId, person.p]);
        send('page', '/v1/identify', { messageId, timestamp, anonymousId: session, userId: person.user, traits: { [`t-${messageId}`]: messageId } });
        break;
      case 1:
        links.push([session, at, messageId, person.p]);
        send('own', '/api/profile', { messageId, timestamp, sessionId: session, email: person.email, [`t-${messageId}`]: messageId });
        break;
      case 2:
        placed.push([session, at, messageId]);
        send('page', '/v1/track', { messageId, timestamp, anonymousId: session, event: 'seen' });
        break;
      case 3:
        told.push([messageId, person.p]);
        send('server', '/v1/identify', { messageId, timestamp, userId: person.user, traits: { [`t-${messageId}`]: messageId } });
        break;
      case 4:
        told.push([messageId, person.p]);
        send('edit', '/api/webhooks/events', {
          identifier: { email: person.email }, eventType: 'edited', messageId, timestamp,
          user: { tags: { add: [`tag-${messageId}`] }, customFields: { [`f-${messageId}`]: messageId }, traits: { [`t-${messageId}`]: messageId } },
        });
        break;
      default: {
        const batch = [person.user, person.former].map((userId) => ({ type: 'track', event: 'told', userId, timestamp, messageId: `${messageId}-${userId}` }));
        for (const item of batch) told.push([item.messageId, person.p]);
        send('server', '/v1/batch', { batch: [...batch, { type: 'identify', userId: person.user, messageId, timestamp, traits: { [`t-${messageId}`]: messageId } }] });
        told.push([messageId, person.p]);
      }
    }
  }
  // What is sent twice, and what is done to those who are known by then, while more comes in.
  const repeats = requests.filter(() => below(4) === 0);
  const undone = links.filter(() => below(3) === 0).map(([, , messageId]) => messageId);
  const [into, from] = people;
  const merged = below(3) ? [into, from] : null;
  const acts = [
    ...undone.map((messageId) => ({ door: 'admin', path: '/api/admin/identity/undo', body: { messageId } })),
    ...(merged ? [{ door: 'merge', into: into.user, from: from.user }] : []),
    ...requests.filter((request) => !undone.includes(request.body.messageId) && below(4) === 0),
  ];
  for (const person of people) {
    const { messageId, at } = fresh();
    told.push([messageId, person.p]);
    acts.push({ door: 'server', path: '/v1/identify', body: { messageId, timestamp: iso(at), userId: person.former, traits: { [`t-${messageId}`]: messageId } } });
  }
  return { n, requests: [...requests, ...repeats], acts, merged, expected: expected({ links, placed, told, undone, merged }) };
}

/** Which message ids are one person's: by the ledger of links, and whoever is merged is one. → message id → person, or null for nobody */
function expected({ links, placed, told, undone, merged }) {
  const one = (p) => (merged && p === merged[1].p ? merged[0].p : p);
  const standing = links.filter(([, , id]) => !undone.includes(id)).sort(([, a], [, b]) => a - b);
  const owner = (session, at) => {
    const own = standing.filter(([s]) => s === session);
    const link = own.findLast(([, since]) => since <= at) ?? own[0];
    return link ? one(link[3]) : null;
  };
  const owners = [...told.map(([id, p]) => [id, one(p)]), ...placed.map(([session, at, id]) => [id, owner(session, at)]), ...standing.map(([, , id, p]) => [id, one(p)])];
  return new Map(owners);
}

/** A company to send to. */
async function world(trackMate) {
  const c = await newCompany(trackMate);
  const basic = (key) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
  const doors = { server: basic(c.serverKey), page: basic(c.companyId), edit: c.key, admin: c.admin, own: {} };
  const counted = { busy: 0, sent: 0 };
  const profileOf = async (externalId) => (await c.get(`/api/admin/users?externalId=${externalId}`)).body.users[0].id;
  async function send(request) {
    if (request.door === 'merge') {
      const [into, from] = await Promise.all([profileOf(request.into), profileOf(request.from)]);
      request = { door: 'admin', path: '/api/admin/identity/merge', body: { into, from } };
    }
    const body = request.door === 'own' ? { company_id: c.companyId, ...request.body } : request.body;
    for (;;) {
      counted.sent += 1;
      const answer = await trackMate.call('POST', request.path, body, doors[request.door]);
      if (answer.status === 503 && answer.headers.get('retry-after')) {
        counted.busy += 1;
        continue;
      }
      assert.equal(answer.status, 200, `${request.path} ${JSON.stringify(body)}: ${answer.status} ${JSON.stringify(answer.body)}`);
      assert.deepEqual(answer.body.rejected ?? [], [], request.path);
      assert.equal(answer.body.warnings, undefined, `${request.path} ${JSON.stringify(answer.body.warnings)}`);
      return;
    }
  }
  async function bursts(requests) {
    for (let n = 0; n < requests.length; n += BURST) await Promise.all(requests.slice(n, n + BURST).map(send));
  }
  /** All that is kept: each person as shown, with their events and how many D1 counts, and what is nobody's. */
  async function kept(d1) {
    const exported = async (what) => (await c.get(`/api/admin/export/${what}/json`)).body[what];
    const people = new Map();
    for (const { id, email, traits, tags, customFields } of await exported('users')) {
      const { events } = await d1.prepare('select events from profiles where company = ?1 and id = ?2').bind(c.companyId, id).first();
      people.set(id, { email, traits, tags: tags.map(({ name }) => name).sort(), customFields, counted: events, events: [] });
    }
    const nobody = [];
    for (const { messageId, userId } of await exported('events')) (userId ? people.get(userId).events : nobody).push(messageId);
    for (const person of people.values()) person.events.sort();
    return { people: [...people.values()], nobody: nobody.sort() };
  }
  return { bursts, kept, counted };
}

/** In an order that follows from what is kept. Of two whom an admin merged, who each have an address, either may be the one that is shown. */
const plain = ({ people, nobody }, either) => ({
  people: people.map((p) => ({ ...p, email: either.get(p.email) ?? p.email })).sort((a, b) => (a.events[0] < b.events[0] ? -1 : 1)),
  nobody,
});

describe('who is who', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate({ EXPORT_PAGES_MAX: '900' }); // all is read by exports, however many histories there are
  });
  after(() => trackMate?.close());

  test(`ends the same in two orders of ${HISTORIES} histories, sent ${BURST} requests at once`, async (t) => {
    const next = random(SEED);
    const histories = Array.from({ length: HISTORIES }, (_, n) => history(n, next));
    const kept = [];
    const either = new Map(histories.flatMap(({ merged }) => (merged ?? []).map(({ email }) => [email, merged.map((p) => p.email).join(' or ')])));
    for (const order of [0, 1]) {
      const { bursts, kept: read, counted } = await world(trackMate);
      const began = Date.now();
      for (const { n, requests, acts } of histories) {
        const shuffle = random(SEED * 1_000_003 + n * 2 + order);
        await bursts(shuffled(requests, shuffle));
        await bursts(shuffled(acts, shuffle));
      }
      t.diagnostic(`${counted.sent} requests in ${Date.now() - began} ms, ${counted.busy} of them told to come again`);
      kept.push(plain(await read(await trackMate.d1()), either));
    }
    for (const { people, nobody } of kept) {
      const owner = new Map(people.flatMap((person) => person.events.map((id) => [id, person])));
      for (const person of people) assert.equal(person.counted, person.events.length, `${person.email} has ${person.events.length} events`);
      for (const { n, expected: model } of histories) {
        const byPerson = new Map();
        for (const [id, p] of model) {
          if (p === null) {
            assert.ok(nobody.includes(id), `${id} is nobody's`);
            continue;
          }
          if (!byPerson.has(p)) byPerson.set(p, owner.get(id));
          assert.ok(owner.get(id), `${id} is stored as somebody's (${SEED}, ${n})`);
          assert.equal(owner.get(id).email, byPerson.get(p).email, `${id} is person ${p}'s (${SEED}, ${n})`);
        }
        assert.equal(new Set(byPerson.values()).size, byPerson.size, `nobody is two people, and no two are one (${SEED}, ${n})`);
      }
    }
    assert.deepEqual(kept[1], kept[0]);
  });
});
