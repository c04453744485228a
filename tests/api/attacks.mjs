// Identifies by strangers: what somebody with the public key alone cannot take or change.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

const at = (minute) => `2025-10-18T10:${String(minute).padStart(2, '0')}:00.000Z`;

export default (trackMate) =>
  describe('a stranger with the public company id', () => {
    const world = {};
    const victim = async () => {
      if (!world.company) {
        const c = (world.company = await newCompany(trackMate()));
        world.session = c.session();
        await c.identify(world.session, 'victim@example.com', { name: 'Victim', city: 'Oslo', timestamp: at(1) });
        await c.server({ email: 'victim@example.com' }, 'payment_processed', { eventData: { amount: 10, currency: 'USD' }, messageId: 'order-1' });
      }
      return { c: world.company, session: world.session, user: await world.company.user('victim@example.com') };
    };

    test('cannot tell a known address from an unknown one', async () => {
      const { c } = await victim();
      const shape = ({ status, headers, body }) => ({ status, keys: Object.keys(body), id: body.profileId?.length, type: headers.get('content-type') });
      const known = await c.tryIdentify(c.session(), 'victim@example.com');
      const unknown = await c.tryIdentify(c.session(), 'nobody@example.com');
      assert.deepEqual(shape(known), shape(unknown));
      assert.deepEqual(shape(known).keys, ['success', 'profileId']);
      // Nor by a message id that is already taken.
      const session = c.session();
      await c.track(session, { eventType: 'x', messageId: 'taken' });
      const answers = [];
      for (const email of ['victim@example.com', 'nobody2@example.com']) answers.push(await c.tryIdentify(session, email, { messageId: 'taken' }));
      for (const answer of answers) assertProblem(answer, 409, 'conflict', 'messageId');
    });

    test('overwrites nothing of a person by claiming their address', async () => {
      const { c, user: before } = await victim();
      await c.identify(c.session(), 'VICTIM@example.com', { name: 'Mallory', city: 'Nowhere', id: 'x', company_id2: 'y', extra: 1 });
      const { user: after } = await victim();
      const kept = ({ id, email, name, createdAt, traits }) => ({ id, email, name, createdAt, name2: traits.name, city: traits.city });
      assert.deepEqual(kept(after), kept(before));
    });

    test('cannot make a person older, or their profile larger than its bound', async () => {
      const { c, user: before } = await victim();
      await c.identify(c.session(), 'victim@example.com', { timestamp: '1999-01-01T00:00:00Z' });
      for (let n = 0; n < 4; n += 1) await c.identify(c.session(), 'victim@example.com', { [`junk${n}`]: 'x'.repeat(15_000) });
      const { user: after } = await victim();
      assert.equal(after.createdAt, before.createdAt);
      assert.ok(JSON.stringify(after.traits).length <= 32 * 1024 + 100);
      assert.equal(after.traits.city, 'Oslo');
    });

    test('cannot change when a known person registered, nor have it said again', async () => {
      const { c } = await victim();
      const webhook = await c.subscribe('http://127.0.0.1:9/hook', ['user_registered', 'identify']);
      const { subscribedAt } = (await c.user('victim@example.com')).timestamps;
      for (const second of [9, 8, 7]) await c.identify(c.session(), 'victim@example.com', { timestamp: `1975-01-01T00:00:0${second}Z` });
      assert.equal((await c.user('victim@example.com')).timestamps.subscribedAt, subscribedAt);
      assert.deepEqual(new Set((await c.deliveries(webhook.id)).map((delivery) => delivery.event)), new Set(['identify']));
      await c.call('DELETE', `/api/admin/webhooks/${webhook.id}`, undefined, c.admin);
    });

    test('cannot make an identify dear by claiming thousands of traits', async () => {
      const { c } = await victim();
      await c.call('POST', '/api/admin/webhooks', { name: 'Off', url: 'http://127.0.0.1:9/hook', events: ['user.*'], active: false }, c.admin);
      const traits = (prefix, count) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, n]));
      for (const more of [traits('a', 251), { nested: traits('a', 251) }]) {
        assertProblem(await c.tryIdentify(c.session(), 'traits@example.com', more), 400, 'event_too_large');
      }
      await c.identify(c.session(), 'traits@example.com', traits('a', 200));
      for (const more of [traits('b', 40), traits('c', 250), traits('a', 250)]) {
        const { cost } = await c.identify(c.session(), 'traits@example.com', more);
        assert.ok(cost.read <= 2000, `${cost.read} rows read`);
      }
      const names = Object.keys((await c.user('traits@example.com')).traits);
      assert.ok(names.length <= 250, `${names.length} traits`);
      assert.ok(['a199', 'b39'].every((name) => names.includes(name)) && !names.includes('c0'), 'what came first stays, and all that fits');
    });

    test('cannot put events on a person through ids that only servers use', async () => {
      const { c, user } = await victim();
      const { events } = await c.timeline(user.id);
      const webhook = events.find((e) => e.source === 'webhook').sessionId;
      assertProblem(await c.events(webhook, [{ eventType: 'planted' }]), 400, 'invalid_session');
      assertProblem(await c.tryIdentify(webhook, 'mallory@example.com'), 400, 'invalid_session');
      assertProblem(await c.call('POST', '/api/webhooks/events', { company_id: c.companyId, identifier: { userId: user.id }, eventType: 'planted' }), 401, 'missing_key');
      assert.ok(!(await c.names(user.id)).includes('planted'));
    });

    test("cannot keep a server's event out by taking its message id first", async () => {
      const { c, user } = await victim();
      await c.track(c.session(), { eventType: 'squatter', messageId: 'order-2' });
      const { body } = await c.server({ userId: user.id }, 'payment_processed', { eventData: { amount: 1, currency: 'USD' }, messageId: 'order-2' });
      assert.deepEqual([body.accepted, body.duplicates], [1, 0]);
      assert.ok((await c.timeline(user.id)).events.some((e) => e.messageId === 'order-2'));
    });

    test('reads nothing: no public route answers with stored data', async () => {
      const { c, user } = await victim();
      for (const path of ['/api/events', '/api/profile', '/api/webhooks/events']) {
        assertProblem(await c.call('GET', `${path}?company_id=${c.companyId}&email=victim@example.com`), 405, 'method_not_allowed');
      }
      for (const path of ['/api/admin/users', `/api/admin/users/${user.id}`, `/api/admin/users/${user.id}/timeline`, '/api/admin/webhooks']) {
        assertProblem(await c.call('GET', path), 401, 'missing_key');
        assertProblem(await c.call('GET', path, undefined, { 'x-admin-id': 'your-admin-id' }), 401, 'invalid_key');
        assertProblem(await c.call('GET', path, undefined, { 'x-admin-id': c.companyId }), 401, 'invalid_key');
      }
    });

    test('cannot tell an erased address from any other by whatever they send next', async () => {
      const c = await newCompany(trackMate());
      const settings = { identityVerification: 'optional', allowedOrigins: ['https://*.shop.example'] };
      const { identitySecret } = (await c.call('PATCH', '/api/admin/settings', settings, c.admin)).body.settings;
      const page = { origin: 'https://www.shop.example' };
      const prove = (email) => createHmac('sha256', identitySecret).update(email).digest('hex');
      for (const email of ['kept@example.com', 'erased@example.com']) await c.identify(c.session(), email, { name: 'Known' });
      const { id } = await c.user('erased@example.com');
      assert.equal((await c.call('DELETE', `/api/admin/users/${id}`, undefined, c.admin)).status, 200);

      /** All that a stranger is told of an address, ids by the order in which they came. */
      async function told(email) {
        const names = new Map();
        const name = (text) => names.get(text) ?? names.set(text, `id ${names.size + 1}`).get(text);
        const [one, two, three] = [c.session(), c.session(), c.session()];
        const public_ = { company_id: c.companyId };
        const segment = { messageId: `${three}-c`, anonymousId: three, userId: email, traits: { email } };
        const requests = [
          ['/api/profile', { ...public_, sessionId: one, email, messageId: `${one}-i`, name: 'X' }],
          ['/api/profile', { ...public_, sessionId: one, email, messageId: `${one}-i`, name: 'X' }],
          ['/api/profile', { ...public_, sessionId: two, email, messageId: `${one}-i` }],
          ['/api/profile', { ...public_, sessionId: one, email: 'another@example.com', messageId: `${one}-i` }],
          ['/api/events', { ...public_, sessionId: one, events: [{ eventType: 'x', messageId: `${one}-i` }] }],
          ['/api/profile', { ...public_, sessionId: one, email, userHash: prove(email) }],
          ['/api/profile', { ...public_, sessionId: one, email, userHash: prove('another@example.com') }],
          ['/api/events', { ...public_, sessionId: one, events: [{ eventType: 'y', messageId: `${one}-y` }] }],
          ['/api/events', { ...public_, sessionId: one, events: [{ eventType: 'y', messageId: `${one}-y` }] }],
          ['/api/contacts', { ...public_, sessionId: two, email, messageId: `${two}-c` }],
          ['/api/contacts', { ...public_, sessionId: two, email, messageId: `${two}-c` }],
          ['/api/events', { ...public_, sessionId: two, events: [{ eventType: 'x', messageId: `${two}-c` }] }],
          ['/v1/identify', { ...segment, writeKey: c.companyId }],
          ['/v1/identify', { ...segment, writeKey: c.companyId }],
          ['/v1/batch', { writeKey: c.companyId, batch: [{ type: 'identify', ...segment }, { type: 'track', event: 'x', anonymousId: three, messageId: `${three}-c` }] }],
          ['/v1/batch', { writeKey: c.companyId, batch: [{ type: 'identify', ...segment, messageId: `${three}-d` }, { type: 'alias', previousId: three, userId: email, messageId: `${three}-a` }] }],
        ];
        const answers = [];
        for (const [path, body] of requests) {
          const { status, body: answer, cost } = await c.call('POST', path, body, page);
          const { profileId, contactId, requestId, ...rest } = answer;
          answers.push([path, status, { ...rest, id: profileId && name(profileId), contact: contactId && name(contactId) }, `${cost.trips} trips`]);
        }
        return answers;
      }
      const kept = await told('kept@example.com');
      assert.deepEqual(kept.map(([, status]) => status), [200, 200, 409, 409, 200, 200, 403, 200, 200, 200, 200, 200, 200, 200, 200, 200]);
      assert.deepEqual(await told('erased@example.com'), kept);
      assert.deepEqual(await told('never-seen@example.com'), kept);
      // What the erased address left are empty rows, which nobody is shown.
      assert.equal(await c.user('erased@example.com'), undefined);
      const d1 = await trackMate().d1();
      const { results } = await d1.prepare("select session, data, context from events where company = ?1 and type = 'identify.undone'").bind(c.companyId).all();
      assert.ok(results.length >= 5 && results.every((row) => row.session === '' && row.data === '{}' && row.context === null));
      const exported = await c.call('GET', '/api/admin/export/events/ndjson', undefined, c.admin);
      assert.ok(!JSON.stringify(exported.body).includes('identify.undone'));
    });

    test('cannot tell by any id whether two addresses are one person, and the id they are told is good for the company’s servers', async () => {
      const c = await newCompany(trackMate());
      const told = async (email) => (await c.identify(c.session(), email)).body.profileId;
      const [one, two, alone] = [await told('one@example.com'), await told('two@example.com'), await told('alone@example.com')];
      const { user } = (await c.call('POST', '/api/admin/identity/merge', { into: one, from: two }, c.admin)).body;
      assert.equal(user.id, one);
      // A change of address, one that a server adds, and one that comes with a user id.
      await c.call('PATCH', `/api/admin/users/${alone}`, { email: 'changed@example.com' }, c.admin);
      assert.equal((await c.tryServer({ identifier: { userId: alone, email: 'added@example.com' }, eventType: 'x', merge: true })).status, 200);
      await c.call('POST', '/v1/identify', { writeKey: c.companyId, anonymousId: c.session(), userId: 'u-1', traits: { email: 'third@example.com' } });
      const people = [['one@example.com', 'two@example.com'], ['alone@example.com', 'changed@example.com', 'added@example.com'], ['third@example.com']];
      const ids = new Map();
      for (const email of people.flat()) ids.set(email, [await told(email), await told(email)]);
      for (const [email, [first, again]] of ids) assert.deepEqual([first.length, again], [24, first], email);
      assert.deepEqual([ids.get('one@example.com')[0], ids.get('two@example.com')[0]], [one, two], 'as before they were merged');
      assert.equal(new Set([...ids.values()].map(([id]) => id)).size, ids.size, 'each address has an id of its own');
      // Nor by a message id that was used for the other address.
      for (const [first, second] of [['one@example.com', 'two@example.com'], ['alone@example.com', 'changed@example.com'], ['one@example.com', 'third@example.com']]) {
        const session = c.session();
        await c.identify(session, first, { messageId: session });
        assertProblem(await c.tryIdentify(session, second, { messageId: session }), 409, 'conflict', 'messageId');
      }
      // Each of them names the person to the company's own keys.
      for (const emails of people) {
        const root = (await c.user(emails[0]))?.id ?? (await c.user(emails[1])).id;
        for (const email of emails) {
          const [id] = ids.get(email);
          assert.equal((await c.get(`/api/admin/users/${id}`)).body.user.id, root, email);
          assert.equal((await c.timeline(id)).profile.id, root, email);
          assert.equal((await c.server({ userId: id }, 'told')).body.profileId, root, email);
        }
      }
      // Erased, the addresses of one person still have an id each.
      await c.call('DELETE', `/api/admin/users/${alone}`, undefined, c.admin);
      const { receipt } = (await c.get(`/api/admin/users/${ids.get('changed@example.com')[0]}/erasure`)).body;
      for (const email of people[1]) {
        const [id] = ids.get(email);
        assert.equal(await told(email), id, email);
        assertProblem(await c.tryServer({ identifier: { userId: id }, eventType: 'x' }), 410, 'erased_user');
        assertProblem(await c.call('GET', `/api/admin/users/${id}`, undefined, c.admin), 410, 'erased_user');
        assert.deepEqual((await c.call('DELETE', `/api/admin/users/${id}`, undefined, c.admin)).body.receipt, receipt);
      }
    });

    test('cannot claim the session of somebody whose id they know', async () => {
      const c = await newCompany(trackMate());
      const { identitySecret } = (await c.call('PATCH', '/api/admin/settings', { identityVerification: 'required' }, c.admin)).body.settings;
      const own = (email) => ({ email, userHash: createHmac('sha256', identitySecret).update(email).digest('hex') });
      const page = (path, body) => c.call('POST', path, { writeKey: c.companyId, ...body });
      const hash = (kind, id) => `${kind}_${createHash('sha256').update(`${kind}\0${id}`).digest('hex').slice(0, 32)}`;
      await page('/v1/track', { userId: 'u-1', event: 'before' });
      await page('/v1/track', { anonymousId: 'v@example.com', event: 'before' });
      for (const sessionId of [hash('user', 'u-1'), hash('anonymous', 'v@example.com'), hash('contact', 'x')]) {
        const claim = { company_id: c.companyId, sessionId, ...own('evil@example.com') };
        assertProblem(await c.call('POST', '/api/profile', claim), 400, 'invalid_session', 'sessionId');
        const contact = await c.call('POST', '/api/contacts', claim);
        assert.deepEqual([contact.status, contact.body.warnings?.[0].code], [200, 'left_out'], 'a lead is kept, on a session of its own');
        assertProblem(await c.events(sessionId, [{ eventType: 'planted' }]), 400, 'invalid_session', 'sessionId');
        assert.equal((await page('/v1/identify', { anonymousId: sessionId, traits: own('evil@example.com') })).body.success, true, 'another session of that name');
      }
      // With a proof of their own address, beside the other's id.
      for (const path of ['/v1/identify', '/api/s/identify']) assert.equal((await page(path, { userId: 'u-1', traits: own('evil@example.com') })).body.success, true);
      const batch = [{ event: '$identify', distinct_id: 'u-1', properties: { $set: own('evil@example.com') } }];
      assert.equal((await c.call('POST', '/batch', { api_key: c.companyId, batch })).body.success, true);
      await page('/v1/track', { userId: 'u-1', event: 'after' });
      await page('/v1/track', { anonymousId: 'v@example.com', event: 'after' });
      assert.ok((await c.names((await c.user('evil@example.com')).id)).every((name) => /identify|user_registered|registration.submitted/.test(name)));
      // The user's own claim, with the address that the server knows them by, takes all of it.
      await c.call('POST', '/v1/identify', { writeKey: c.serverKey, userId: 'u-1', traits: { email: 'ada@example.com' } });
      await page('/v1/identify', { userId: 'u-1', traits: own('ada@example.com') });
      const names = await c.names((await c.user('ada@example.com')).id);
      assert.deepEqual(['before', 'after'].map((name) => names.includes(name)), [true, true]);
    });

    test('takes no event of a session by claiming it after its owner', async () => {
      const { c, session, user } = await victim();
      await c.track(session, { eventType: 'private', timestamp: at(2) });
      const { body } = await c.identify(session, 'thief@example.com', { timestamp: at(3) });
      assert.deepEqual(await c.names(body.profileId), ['user_registered']);
      assert.ok((await c.names(user.id)).includes('private'));
    });
  });
