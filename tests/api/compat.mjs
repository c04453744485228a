// Other vendors' forms of a request, by hand: keys, whose an event is, what is refused. The clients themselves are in tests/clients.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const basic = (key) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });

/** A company with what a vendor's client does to it, by its public key or its server's. */
async function newShop(trackMate) {
  const c = await newCompany(trackMate);
  const post = (path, body, key = c.companyId) => trackMate.call('POST', path, body, basic(key));
  const fine = async (path, body, key) => {
    const answer = await post(path, body, key);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.deepEqual(answer.body.rejected, []);
    return answer.body;
  };
  const userOf = async (externalId) => (await c.get(`/api/admin/users?externalId=${encodeURIComponent(externalId)}`)).body.users[0];
  return { ...c, post, fine, userOf, page: (path, body) => fine(path, body), server: (path, body) => fine(path, body, c.serverKey) };
}

export default (trackMate) =>
  describe('other vendors’ clients', () => {
    const world = {};
    const shop = async () => (world.shop ??= await newShop(trackMate()));

    test('show their key in any way they know, and a wrong one is refused at once', async () => {
      const c = await shop();
      const { call } = trackMate();
      const track = { event: 'keyed', anonymousId: 'visitor-1' };
      for (const key of [c.companyId, c.serverKey]) {
        for (const [body, headers] of [
          [track, basic(key)],
          [track, { 'x-write-key': key }],
          [{ ...track, writeKey: `${key}:***` }, { 'x-write-key': `${key}:secret` }], // as Jitsu's client has it
          [track, { authorization: `Bearer ${key}` }],
          [{ ...track, writeKey: key }, {}],
          [{ ...track, api_key: key }, {}],
          [{ ...track, writeKey: key }, basic(key)],
        ]) {
          for (const path of ['/v1/track', '/v1/t/']) assert.deepEqual((await call('POST', path, body, headers)).body, { success: true, accepted: 1, duplicates: 0, rejected: [] });
        }
      }
      assertProblem(await call('POST', '/v1/track', track), 401, 'missing_key');
      for (const key of ['nonsense', 'TM-NOBODY', 'tm_live_nothing']) assertProblem(await call('POST', '/v1/track', track, basic(key)), 401, 'invalid_key');
      assert.equal((await call('POST', '/v1/track', track, basic('nonsense'))).cost.trips, 0, 'what cannot be a key costs no look into the database');
      assertProblem(await call('POST', '/v1/track', { ...track, writeKey: c.serverKey }, basic(c.companyId)), 401, 'invalid_key');
      assertProblem(await call('POST', '/v1/track', track, basic(c.adminKey)), 403, 'wrong_scope');
      assertProblem(await call('POST', '/v1/track', track, { ...basic(c.serverKey), origin: 'https://shop.example' }), 403, 'wrong_scope');
    });

    test('find all their paths, with and without a slash, and may be asked by pages of any origin', async () => {
      const c = await shop();
      const { url, call } = trackMate();
      const segment = { track: { event: 'x' }, identify: { traits: {} }, page: {}, screen: {}, group: { groupId: 'g' }, alias: { previousId: 'before', userId: 'u-after' } };
      for (const [kind, body] of Object.entries(segment)) {
        for (const path of [kind, kind[0], `${kind}/`]) await c.page(`/v1/${path}`, { anonymousId: 'visitor-2', ...body });
        for (const path of [`/api/s/${kind}`, `/api/s/s2s/${kind}`]) await c.page(path, { anonymousId: 'visitor-2', ...body });
      }
      for (const path of ['/v1/batch', '/v1/b']) await c.page(path, { batch: [{ type: 'track', event: 'x', userId: 7 }] });
      for (const path of ['/batch/', '/batch']) await c.page(path, { api_key: c.companyId, batch: [{ event: 'x', distinct_id: 'd' }] });
      for (const path of ['/capture/', '/capture', '/e/', '/e', '/i/v0/e/', '/i/v0/e']) {
        assert.equal((await call('POST', path, { api_key: c.companyId, event: 'x', distinct_id: 'd' })).body.accepted, 1, path);
        assert.equal((await call('POST', path, gzipSync(JSON.stringify([{ event: 'x', properties: { token: c.companyId, distinct_id: 'd' } }])), { 'content-type': 'text/plain' })).body.accepted, 1, path);
      }
      // A page that goes sends by beacon, which sets no headers.
      const beacon = { 'content-type': 'text/plain' };
      const left = { batch: [{ type: 'track', event: 'left', anonymousId: 'visitor-2' }] };
      assert.equal((await call('POST', `/beacon/v1/batch?writeKey=${c.companyId}`, JSON.stringify(left), beacon)).body.accepted, 1);
      assertProblem(await call('POST', `/beacon/v1/batch?writeKey=${c.serverKey}`, JSON.stringify(left), beacon), 401, 'missing_key');
      const captured = JSON.stringify({ api_key: c.companyId, event: 'left', distinct_id: 'd', properties: { of: 'NaN é' } });
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      for (const data of [Buffer.from(captured).toString('base64'), captured]) {
        assert.equal((await call('POST', '/e/?compression=base64&beacon=1', `data=${encodeURIComponent(data)}`, form)).body.accepted, 1);
      }
      assertProblem(await call('POST', '/e/', 'data=nothing+of+this', form), 400, 'invalid_encoding');
      for (const [method, path] of [['POST', '/flags/?v=2'], ['POST', '/decide/?v=3'], ['GET', `/array/${c.companyId}/config`]]) {
        assert.deepEqual((await call(method, path, method === 'POST' ? {} : undefined)).body.featureFlags, {}, path);
      }
      const { integrations } = (await call('GET', `/v1/projects/${c.companyId}/settings`)).body;
      for (const name of ['Segment.io', 'Customer.io Data Pipelines']) {
        const { apiKey, apiHost, protocol } = integrations[name];
        assert.deepEqual([apiKey, apiHost, protocol], [c.companyId, `${new URL(url).host}/v1`, 'http'], name);
      }
      for (const path of ['/sourceConfig', '/sourceConfig/']) {
        const { source } = (await call('GET', `${path}?p=npm&v=3.34.1&writeKey=${c.companyId}`)).body;
        assert.deepEqual([source.writeKey, source.enabled, source.config, source.destinations], [c.companyId, true, {}, []]);
      }
      for (const path of ['/v1/t', '/v1/batch', '/batch/', '/api/s/track']) {
        const preflight = await fetch(url + path, { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' } });
        assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, 'https://shop.example'], path);
        for (const header of ['authorization', 'content-type', 'x-write-key', 'x-retry-count']) assert.ok(preflight.headers.get('access-control-allow-headers').includes(header), header);
      }
      assertProblem(await call('GET', '/v1/track'), 405, 'method_not_allowed');
      assertProblem(await call('POST', '/v1/dance', {}), 404, 'not_found');
      // What is a file is given out without the Worker, which would put its number on the answer.
      for (const path of ['/', '/docs/', '/dashboard/', '/sdk/trackmate.js', '/openapi.json']) {
        const file = await fetch(url + path);
        assert.deepEqual([file.status, file.headers.get('x-request-id')], [200, null], path);
        assert.equal((await fetch(url + path, { method: 'POST' })).status, 405, path);
      }
    });

    test('that are not taken hear so in JSON, at any path and by any method, also in a page of another origin', async () => {
      const { url, call } = trackMate();
      const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/plain', origin: 'https://shop.example' };
      for (const [method, path, body, headers] of [
        ['POST', '/track?verbose=1', 'data=e30', form], // Mixpanel's
        ['POST', '/engage?verbose=1', 'data=e30', form],
        ['POST', '/com.snowplowanalytics.snowplow/tp2', '{"schema":"s","data":[]}', { 'content-type': 'application/json; charset=UTF-8' }],
        ['GET', '/i?e=pv&p=web', undefined, { accept: '*/*' }], // Snowplow's by GET
        ['POST', '/2/httpapi', '{}', {}], // Amplitude's
        ['PUT', '/no/such/path', '{}', {}],
        ['DELETE', '/docs/no-such-page', undefined, {}],
        ['POST', '/api/nothing', '{}', {}],
      ]) {
        const answer = await call(method, path, body, headers);
        assertProblem(answer, 404, 'not_found');
        assert.match(answer.body.message, /\/docs\/clients\/others/);
        assert.equal(answer.headers.get('access-control-allow-origin'), headers.origin ?? '*', `${method} ${path}`);
        assert.equal(answer.cost.trips, 0);
      }
      const asked = { origin: 'https://shop.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'sp-anonymous' };
      const preflight = await fetch(`${url}/com.snowplowanalytics.snowplow/tp2`, { method: 'OPTIONS', headers: asked });
      const allowed = ['origin', 'methods', 'headers'].map((name) => preflight.headers.get(`access-control-allow-${name}`));
      assert.deepEqual([preflight.status, ...allowed], [204, 'https://shop.example', 'POST', 'sp-anonymous']);

      // A person who mistyped an address has a page to read.
      for (const method of ['GET', 'HEAD']) {
        const page = await fetch(`${url}/docs/no-such-page`, { method, headers: { accept: 'text/html,*/*;q=0.8' } });
        assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/html; charset=utf-8']);
        assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
        assert.equal((await page.text()).includes('There is nothing here'), method === 'GET');
      }
    });

    test('have the good items of a batch stored, and hear about the bad', async () => {
      const c = await shop();
      const at = '2025-10-18T10:00:00.123456789+00:00';
      const batch = [
        { type: 'track', event: 'good', userId: 'u-mixed', messageId: 'mixed-1', timestamp: at, context: { app: 'x' } },
        { type: 'track', userId: 'u-mixed' },
        { type: 'dance', userId: 'u-mixed' },
        'text',
        { type: 'track', event: 'nobody’s' },
        { type: 'track', event: 'large', userId: 'u-mixed', properties: { text: 'x'.repeat(33 * 1024) } },
        { type: 'track', event: 'late', userId: 'u-mixed', timestamp: 'soon' },
        { type: 'identify', userId: 'u-mixed', traits: JSON.parse('['.repeat(40).replaceAll('[', '{"a":') + '1' + '}'.repeat(40)) },
        { type: 'track', event: 'good', userId: null, anonymousId: 'visitor-3', properties: null, originalTimestamp: at },
        { type: 'track', event: 'good', userId: 'u-mixed', messageId: 'mixed-1' },
      ];
      for (const key of [c.companyId, c.serverKey]) {
        const { status, body } = await c.post('/v1/batch', { batch }, key);
        assert.deepEqual([status, body.success, body.accepted, body.duplicates], [200, true, 2, 1]);
        assert.deepEqual(body.rejected.map(({ index, code }) => [index, code]), [
          [1, 'missing_field'], [2, 'invalid_field'], [3, 'invalid_field'], [4, 'missing_field'], [5, 'event_too_large'], [6, 'invalid_timestamp'], [7, 'json_too_deep'],
        ]);
        assert.deepEqual((await c.post('/v1/batch', { batch }, key)).body.duplicates, 3, 'by its id, or by its content where it brings only a time');
      }
      assertProblem(await c.post('/v1/track', { userId: 'u-mixed' }), 400, 'missing_field', 'event');
      assertProblem(await c.post('/v1/batch', { batch: Array(501).fill({ type: 'track', event: 'x', userId: 'u' }) }), 413, 'too_many_events', 'batch');
      assertProblem(await c.post('/v1/batch', {}), 400, 'missing_field', 'batch');
      const d1 = await trackMate().d1();
      const { context, ts } = await d1.prepare("select context, ts from events where company = ?1 and source = 0 and message_id = 'mixed-1'").bind(c.companyId).first();
      assert.deepEqual([JSON.parse(context), Math.floor(ts / 1000)], [{ app: 'x' }, Date.parse('2025-10-18T10:00:00.123Z')]);
    });

    test('are told of like our own: what is stored while somebody watches, and whatever is refused', async () => {
      const c = await newShop(trackMate());
      await c.get('/api/admin/events');
      for (const [key, door] of [[c.companyId, 'browser'], [c.serverKey, 'server']]) {
        const good = { type: 'track', event: 'bought', userId: `told-${door}`, messageId: `good-${door}`, properties: { n: 1 } };
        await c.post('/v1/batch', { batch: [good, { type: 'track', event: 'lost', messageId: `bad-${door}`, properties: { n: 1 } }] }, key);
        await c.post('/v1/track', { event: 'single', messageId: `alone-${door}` }, key);
      }
      const list = async (path) => (await c.get(path)).body;
      const rejected = await until('both doors are told of', async () => (await list('/api/admin/events/rejected')).rejected.length === 4 && (await list('/api/admin/events/rejected')).rejected);
      const told = rejected.map((e) => [e.door, e.code, e.messageId, e.eventType, e.field]).sort();
      const expected = ['browser', 'server'].flatMap((door) => [['alone', 'single'], ['bad', 'lost']].map(([id, name]) => [door, 'missing_field', `${id}-${door}`, name, 'userId']));
      assert.deepEqual(told, expected.sort());
      assert.deepEqual(rejected.find((e) => e.messageId === 'bad-server').eventData, { n: 'number' });
      const stored = await until('what was stored', async () => (await list('/api/admin/events?outcome=stored')).events.length === 2 && (await list('/api/admin/events?outcome=stored')).events);
      assert.deepEqual(stored.map((e) => [e.door, e.messageId, e.eventType]).sort(), [['browser', 'good-browser', 'bought'], ['server', 'good-server', 'bought']]);
    });

    test('are warned of where the company looks, as their clients read no answer: an amount that counts nothing', async () => {
      const c = await newShop(trackMate());
      await c.get('/api/admin/events');
      for (const [messageId, amount] of [['paid-1', '79,99'], ['paid-2', '79.99']]) {
        await c.page('/v1/track', { event: 'payment_processed', anonymousId: 'v-1', messageId, properties: { amount, currency: 'EUR' } });
      }
      const warned = ({ messageId, warnings }) => [messageId, warnings?.map(({ code }) => code)];
      const live = async () => (await c.get('/api/admin/events')).body.events;
      const entries = await until('both', async () => (await live()).length === 2 && live());
      assert.deepEqual(entries.map(warned).sort(), [['paid-1', ['amount_unread']], ['paid-2', undefined]]);
      for (const [id, codes] of [['paid-1', ['amount_unread']], ['paid-2', undefined]]) {
        assert.deepEqual(warned((await c.get(`/api/admin/events/${id}`)).body.event), [id, codes]);
      }
    });

    test('cost what our own cost: a round trip for a batch of pages or of a server, and one more if it creates people', async () => {
      const c = await newShop(trackMate());
      const batch = (ids) => ({ batch: Array.from({ length: 30 }, (_, n) => ({ type: 'track', event: 'counted', ...ids(n) })) });
      assert.equal((await c.post('/v1/batch', batch(() => ({ anonymousId: 'v-1' })))).cost.trips, 1);
      await c.server('/v1/track', { userId: 'u-0', event: 'first' });
      assert.equal((await c.post('/v1/batch', batch(() => ({ userId: 'u-0' })), c.serverKey)).cost.trips, 1);
      const { body, cost } = await c.post('/v1/batch', batch((n) => ({ userId: `u-${n}` })), c.serverKey);
      assert.deepEqual([body.accepted, cost.trips], [30, 2]);
      assert.equal((await c.get('/api/admin/users')).body.users.length, 30);
    });

    test('cost a bounded number of round trips, whoever and however many a batch is about, and the same when it comes again', async (t) => {
      const c = await newShop(trackMate());
      const people = (kind, n) => Array.from({ length: 250 }, (_, i) => ({ type: kind, event: 'bought', ...n(i), messageId: `${kind}-${JSON.stringify(n(i))}` }));
      const named = (who, i) => ({ userId: `${who}-${i}`, traits: { email: `${who}-${i}@example.com`, plan: 'gold' } });
      const batches = {
        'a server’s tracks of many': [c.serverKey, people('track', (i) => ({ userId: `a-${i}` })), 3],
        'a page’s tracks of many': [c.companyId, people('track', (i) => ({ anonymousId: `a-${i}` })), 1],
        'a server’s identifies of many': [c.serverKey, people('identify', (i) => named('b', i)), 12],
        'a page’s identifies of many': [c.companyId, people('identify', (i) => ({ anonymousId: `c-${i}`, ...named('c', i) })), 12],
        'a server’s identifies of one': [c.serverKey, people('identify', (i) => ({ userId: 'd', traits: { email: 'd@example.com', [`t${i}`]: i } })), 12],
        'a server’s aliases of many': [c.serverKey, people('alias', (i) => ({ userId: `e-${i}`, previousId: `f-${i}` })), 12],
      };
      for (const [name, [key, batch, most]] of Object.entries(batches)) {
        for (const outcome of ['accepted', 'duplicates']) {
          const { body, cost } = await c.post('/v1/batch', { batch }, key);
          assert.deepEqual([body[outcome], body.rejected], [250, []], `${name}: ${outcome}`);
          assert.ok(cost.trips <= most, `${name}, ${outcome}: ${cost.trips} round trips`);
          t.diagnostic(`${name}, ${outcome}: ${JSON.stringify(cost)}`);
        }
      }
      const one = await c.userOf('d');
      assert.deepEqual([one.email, Object.keys(one.traits).length], ['d@example.com', 250]);
      assert.equal((await c.userOf('e-7')).id, (await c.userOf('f-7')).id);
    });

    test('say of one person in a batch one thing after the other, and no more than so many that hang on each other', async () => {
      const c = await newShop(trackMate());
      const identify = (userId, email, plan) => ({ type: 'identify', userId, traits: { ...(email && { email }), ...(plan && { plan }) } });
      const emails = [1, 2, 3, 4].map((n) => `ada-${n}@example.com`);
      await c.server('/v1/batch', { batch: [...emails.map((email, n) => identify('u-1', email, n)), identify('u-1', null, 'last')] });
      const ada = await c.userOf('u-1');
      assert.deepEqual([ada.email, ada.traits.plan], [emails[3], 'last']);
      assert.deepEqual((await c.get(`/api/admin/users/${ada.id}/identities`)).body.addresses.map(({ email }) => email).sort(), emails);
      const many = [...emails, 'ada-5@example.com'].map((email) => identify('u-2', email));
      assertProblem(await c.post('/v1/batch', { batch: [identify('u-3', null, 'x'), ...many] }, c.serverKey), 413, 'too_many_events', 'batch');
      assert.deepEqual([await c.userOf('u-2'), await c.userOf('u-3')], [undefined, undefined], 'nothing of it is stored');
    });

    test('that change one person at once all get their turn', async () => {
      const c = await newShop(trackMate());
      await c.server('/v1/identify', { userId: 'u-1', traits: { email: 'ada@example.com' } });
      const { id } = await c.userOf('u-1');
      const ask = [
        (n) => c.post('/v1/identify', { userId: 'u-1', traits: { [`t${n}`]: n } }, c.serverKey),
        (n) => c.post('/v1/batch', { batch: [{ type: 'identify', userId: 'u-1', traits: { [`t${n}`]: n } }] }, c.serverKey),
        (n) => c.tryServer({ identifier: { email: 'ada@example.com' }, eventType: 'told', user: { traits: { [`t${n}`]: n } } }),
        (n) => c.call('PATCH', `/api/admin/users/${id}`, { [`t${n}`]: n }, c.admin),
        (n) => c.call('POST', `/api/admin/users/${id}/tags`, { tags: [`t${n}`] }, c.admin),
        (n) => c.call('PATCH', `/api/admin/users/${id}/custom-fields`, { [`t${n}`]: n }, c.admin),
      ];
      const answers = await Promise.all(Array.from({ length: 48 }, (_, n) => ask[n % ask.length](n)));
      for (const { status, body } of answers) assert.deepEqual([status, body.rejected ?? []], [200, []], JSON.stringify(body));
      const { traits, tags, customFields } = await c.userOf('u-1');
      assert.deepEqual([Object.keys(traits).length, tags.length, Object.keys(customFields).length], [32, 8, 8]);
    });

    test('and name two ids while another request makes either of them name one person', async () => {
      const c = await newShop(trackMate());
      const pairs = {
        identify: (n) => ['/v1/identify', { userId: `u-${n}`, traits: { email: `u-${n}@example.com` } }, [{ userId: `u-${n}` }, { userId: `u-${n}@example.com` }]],
        alias: (n) => ['/v1/alias', { userId: `new-${n}`, previousId: `old-${n}` }, [{ userId: `old-${n}` }, { userId: `new-${n}` }]],
      };
      const ids = { identify: (n) => [`u-${n}`, `u-${n}@example.com`], alias: (n) => [`new-${n}`, `old-${n}`] };
      for (const [kind, pair] of Object.entries(pairs)) {
        await Promise.all(
          Array.from({ length: 20 }, async (_, n) => {
            const [path, said, others] = pair(n);
            await Promise.all([c.server(path, said), ...others.map((who) => c.server('/v1/track', { ...who, event: 'seen' }))]);
            const [one, two] = await Promise.all(ids[kind](n).map((id) => (id.includes('@') ? c.user(id) : c.userOf(id))));
            assert.ok(one && one.id === two?.id, `${kind} ${n}: two people`);
            assert.equal((await c.names(one.id)).filter((name) => name === 'seen').length, 2);
          }),
        );
      }
    });

    test('keep of an identify what can be read', async () => {
      const c = await newShop(trackMate());
      await c.server('/v1/identify', { userId: 'u-1', traits: { firstName: 'x'.repeat(201), plan: 'gold' } });
      const user = await c.userOf('u-1');
      assert.deepEqual([user.firstName, user.traits.plan], ['x'.repeat(200), 'gold']);
    });

    test('put a visitor’s events on the timeline of whom an identify names, by user id, by address or by both', async () => {
      const c = await newShop(trackMate());
      await c.page('/v1/page', { anonymousId: 'v-1', properties: { url: 'https://shop.example/' } });
      await c.page('/v1/identify', { anonymousId: 'v-1', userId: 'u-1' });
      await c.page('/v1/track', { anonymousId: 'v-1', userId: 'u-1', event: 'bought' });
      const first = await c.userOf('u-1');
      assert.deepEqual([first.email, first.externalId], [null, 'u-1']);
      assert.deepEqual(await c.names(first.id), ['page_view', 'user_registered', 'bought']);
      // The address comes later, and by it the company's own events.
      await c.page('/v1/identify', { anonymousId: 'v-1', userId: 'u-1', traits: { email: 'Ada@Example.com', plan: 'gold' } });
      const known = await c.user('ada@example.com');
      assert.deepEqual([known.id, known.email, known.externalId, known.traits.plan], [first.id, 'Ada@Example.com', 'u-1', 'gold']);
      // Another device, another door: the same person.
      await c.page('/v1/identify', { anonymousId: 'v-2', userId: 'u-1' });
      await c.server('/v1/track', { userId: 'u-1', event: 'paid' });
      await c.server('/v1/track', { userId: 'ada@example.com', event: 'paid by address' });
      await trackMate().call('POST', '/api/webhooks/events', { identifier: { email: 'ada@example.com' }, eventType: 'shipped' }, c.key);
      assert.deepEqual((await c.names(first.id)).slice(-4), ['identify', 'paid', 'paid by address', 'shipped']);
      // A user id whose owner is told first by a server, with an address.
      await c.server('/v1/track', { userId: 'u-2', event: 'signed up' });
      await c.server('/v1/identify', { userId: 'u-2', traits: { email: 'bob@example.com', firstName: 'Bob', phone: 4712345678, createdAt: '2025-01-01' } });
      const bob = await c.userOf('u-2');
      assert.deepEqual([bob.email, bob.firstName, bob.phone, bob.traits.createdAt], ['bob@example.com', 'Bob', '4712345678', '2025-01-01']);
      assert.deepEqual(await c.names(bob.id), ['signed up', 'identify']);
      // A server's identify with a visitor's id takes the visitor's events too.
      await c.page('/v1/track', { anonymousId: 'v-3', event: 'looked' });
      await c.server('/v1/identify', { userId: 'u-2', anonymousId: 'v-3' });
      assert.ok((await c.names(bob.id)).includes('looked'));
      assert.equal((await c.get('/api/admin/users')).body.users.length, 2);
    });

    test('stand as the server’s wherever they are shown when a server says who a visitor is, and as the page’s when a page does', async (t) => {
      const c = await newShop(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      await c.subscribe(receiver.url, ['identify', 'alias', 'user_registered']);
      await c.get('/api/admin/events');
      const identify = { anonymousId: 'v-1', userId: 'u-1', messageId: 'told-1' };
      await c.server('/v1/identify', identify);
      await c.server('/v1/alias', { previousId: 'v-2', userId: 'u-1', messageId: 'told-2' });
      await c.page('/v1/identify', { anonymousId: 'v-3', userId: 'u-3', messageId: 'said-1' });
      assert.deepEqual((await c.post('/v1/identify', identify, c.serverKey)).body.duplicates, 1);
      const sources = (all) => Object.fromEntries(all.map((one) => [one.messageId, one.source]));
      const all = { 'told-1': 'webhook', 'told-2': 'webhook', 'said-1': 'browser' };

      const { id } = await c.userOf('u-1');
      const timeline = await c.timeline(id);
      assert.deepEqual([sources(timeline.events), timeline.summary.sessions], [{ 'told-1': 'webhook', 'told-2': 'webhook' }, { total: 2, client: 0, server: 2 }]);
      assert.deepEqual((await c.timeline((await c.userOf('u-3')).id)).summary.sessions, { total: 1, client: 1, server: 0 });
      assert.deepEqual(sources((await c.get('/api/admin/export/events/json')).body.events), all);
      const { totals } = (await c.get('/api/admin/stats')).body;
      assert.deepEqual([totals.browserEvents, totals.serverEvents], [1, 2]);
      assert.equal((await c.get('/api/admin/export/events/json?after=webhook:told-1')).status, 200);
      await until('the deliveries', () => receiver.requests.length === 3);
      assert.deepEqual(sources(receiver.requests.map((r) => r.json.metadata)), all);

      const live = async (query = '') => (await c.get(`/api/admin/events?outcome=stored${query}`)).body.events.map((e) => [e.messageId, e.door]).sort();
      const doors = [['said-1', 'browser'], ['told-1', 'server'], ['told-2', 'server']];
      await until('what was stored', async () => (await live()).length === 3);
      assert.deepEqual([await live(), await live('&door=server'), await live('&door=browser')], [doors, doors.slice(1), doors.slice(0, 1)]);
      const receipt = (door) => c.call('GET', `/api/admin/events/told-1?door=${door}`, undefined, c.admin);
      await until('the repeat', async () => (await receipt('server')).body.event.duplicates === 1);
      assert.deepEqual([(await receipt('server')).body.event.door, (await receipt('server')).body.event.source, (await receipt('browser')).status], ['server', 'webhook', 404]);

      // Once a page tells anything of a session, it is a browser's.
      await c.page('/v1/track', { anonymousId: 'v-1', event: 'looked' });
      assert.deepEqual((await c.timeline(id)).summary.sessions, { total: 2, client: 1, server: 1 });
      // A receiver may rely on it: no page can make it say so.
      assert.deepEqual(sources((await c.timeline(id)).events)['told-1'], 'webhook');
      await c.call('DELETE', `/api/admin/users/${id}`, undefined, c.admin);
      await until('nothing of them in Live', async () => (await live()).every(([id]) => id === 'said-1'));
    });

    test('that say again who somebody is are known again, whichever of their ids led to the person then', async () => {
      const c = await newShop(trackMate());
      const timestamp = '2025-10-18T10:00:00Z';
      for (const [n, key] of [c.companyId, c.serverKey].entries()) {
        const who = (more) => ({ userId: `twice-${n}`, traits: { email: `twice-${n}@example.com` }, ...more });
        const items = [who({ messageId: `one-${n}`, anonymousId: `v-${n}` }), who({ timestamp, anonymousId: `v-${n}` }), who({ messageId: `two-${n}` }), who({ timestamp })];
        for (const item of items) {
          assert.equal((await c.fine('/v1/identify', item, key)).accepted, 1, JSON.stringify(item));
          for (let time = 0; time < 2; time += 1) assert.equal((await c.fine('/v1/identify', item, key)).duplicates, 1, JSON.stringify(item));
        }
        assert.equal((await c.names((await c.userOf(`twice-${n}`)).id)).length, items.length);
      }
      const alias = { previousId: 'former', userId: 'twice-0', messageId: 'former-1' };
      assert.deepEqual([(await c.page('/v1/alias', alias)).accepted, (await c.page('/v1/alias', alias)).duplicates], [1, 1]);
    });

    test('cannot take from a page what is another’s, and a server key vouches', async () => {
      const c = await newShop(trackMate());
      await c.server('/v1/identify', { userId: 'u-1', traits: { email: 'ada@example.com', name: 'Ada' } });
      await c.server('/v1/identify', { userId: 'u-2', traits: { email: 'bob@example.com' } });
      const [ada, bob] = [await c.userOf('u-1'), await c.userOf('u-2')];
      // A page claims all kinds of things: nothing of either changes, and nobody is joined.
      await c.page('/v1/identify', { anonymousId: 'x-1', userId: 'u-1', traits: { email: 'bob@example.com', name: 'Mallory' } });
      await c.page('/v1/identify', { anonymousId: 'x-2', userId: 'u-1', traits: { email: 'mallory@example.com' } });
      await c.page('/v1/identify', { anonymousId: 'x-3', userId: 'u-3', traits: { email: 'ada@example.com' } });
      await c.page('/v1/alias', { previousId: 'u-2', userId: 'u-1' });
      const now = [await c.userOf('u-1'), await c.userOf('u-2')];
      assert.deepEqual(now.map(({ id, email, name }) => [id, email, name]), [[ada.id, 'ada@example.com', 'Ada'], [bob.id, 'bob@example.com', null]]);
      assert.equal(await c.user('mallory@example.com'), undefined);
      assert.notEqual((await c.userOf('u-3')).id, ada.id, 'a user id that comes with another’s address is somebody else');
      // The server says an address is another one now; and that two ids are one person.
      await c.server('/v1/identify', { userId: 'u-1', traits: { email: 'ada@new.example' } });
      assert.equal((await c.userOf('u-1')).email, 'ada@new.example');
      await c.server('/v1/alias', { previousId: 'u-2', userId: 'u-1' });
      assert.equal((await c.userOf('u-2')).id, ada.id);
      assert.deepEqual((await c.get(`/api/admin/users/${ada.id}/identities`)).body.externalIds.map(({ id }) => id).sort(), ['u-1', 'u-2']);
      assert.equal((await c.server('/v1/alias', { previousId: 'u-1', userId: 'u-1' })).duplicates, 1, 'an id is its own alias already');
      // Whom a server knows by an address alone is the user it names with it, and is shown with both.
      await c.server('/v1/identify', { userId: 'u-4', traits: { plan: 'gold' } });
      await c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'cy@example.com' });
      await c.server('/v1/identify', { userId: 'u-4', traits: { email: 'cy@example.com' } });
      const cy = await c.userOf('u-4');
      assert.deepEqual([cy.email, cy.externalId, cy.traits.plan, (await c.user('cy@example.com')).id], ['cy@example.com', 'u-4', 'gold', cy.id]);
      // And it can be taken back.
      await c.call('POST', '/api/admin/identity/undo', { profileId: bob.id }, c.admin);
      assert.deepEqual([(await c.userOf('u-1')).id, (await c.userOf('u-2')).id], [ada.id, bob.id]);
    });

    test('say from a page nothing of who somebody is of whom a server has told', async () => {
      const c = await newShop(trackMate());
      await c.server('/v1/track', { userId: 'u-1', event: 'ordered' });
      await c.server('/v1/identify', { traits: { email: 'ada@example.com' }, userId: 'ada@example.com' });
      const [first, ada] = [await c.userOf('u-1'), await c.user('ada@example.com')];
      await c.page('/v1/identify', { anonymousId: 'x-1', userId: 'u-1', traits: { email: 'mallory@example.com' } });
      await c.page('/v1/identify', { anonymousId: 'x-2', userId: 'u-9', traits: { email: 'ada@example.com' } });
      assert.equal((await c.userOf('u-1')).email, null, 'what a server tells of u-1 would go to an address that anybody claims');
      assert.deepEqual([await c.user('mallory@example.com'), await c.userOf('u-9')], [undefined, undefined]);
      await c.server('/v1/identify', { userId: 'u-1', traits: { email: 'u1@example.com' } });
      assert.deepEqual([(await c.userOf('u-1')).id, (await c.userOf('u-1')).email], [first.id, 'u1@example.com']);
      assert.equal((await c.user('ada@example.com')).id, ada.id);
    });

    test('have an alias stored once, however it is said and however often it comes', async () => {
      const c = await newShop(trackMate());
      await c.page('/v1/batch', { batch: ['seen', 'v-4', 'v-5'].map((anonymousId) => ({ type: 'track', event: 'looked', anonymousId })) });
      await c.server('/v1/batch', { batch: ['known', 'u-2', 'u-3'].map((userId) => ({ type: 'track', event: 'bought', userId })) });
      const timestamp = '2025-10-18T10:00:00Z';
      const posthog = (distinct_id, alias) => ({ batch: [{ event: '$create_alias', distinct_id, uuid: `${distinct_id} ${alias}`, properties: { distinct_id, alias } }] });
      const said = {
        'of a visitor': ['/v1/alias', { userId: 'u-1', previousId: 'seen' }],
        'of a visitor, by its content': ['/v1/alias', { userId: 'u-1', previousId: 'v-4', messageId: undefined, timestamp }],
        'of nobody who is known': ['/v1/alias', { userId: 'new', previousId: 'old' }],
        'of two users': ['/v1/alias', { userId: 'u-2', previousId: 'known' }],
        'of a user who is given another id': ['/v1/alias', { userId: 'further', previousId: 'u-3' }],
        'twice in a batch': ['/v1/batch', { batch: Array(2).fill({ type: 'alias', userId: 'u-4', previousId: 'v-9', messageId: 'batched' }) }],
        'of PostHog’s make': ['/batch/', posthog('u-1', 'p-1')],
        'of PostHog’s make, the other way round': ['/batch/', posthog('v-5', 'u-1')],
        'of a page': ['/v1/alias', { userId: 'u-6', previousId: 'v-6' }, c.companyId],
      };
      const d1 = await trackMate().d1();
      const stored = async () => (await d1.prepare("select count(*) as n from events where company = ?1 and type = 'alias'").bind(c.companyId).first()).n;
      for (const [n, [how, [path, body, key = c.serverKey]]] of Object.entries(said).entries()) {
        const { accepted } = await c.fine(path, { messageId: `alias-${n}`, ...body }, key);
        assert.deepEqual([accepted, await stored()], [1, n + 1], how);
        for (let time = 0; time < 2; time += 1) assert.equal((await c.fine(path, { messageId: `alias-${n}`, ...body }, key)).accepted, 0, how);
        assert.equal(await stored(), n + 1, `${how}, again`);
      }
      // So it is when it was taken back in between.
      await c.call('POST', '/api/admin/identity/undo', { messageId: 'alias-0' }, c.admin);
      assert.equal((await c.server('/v1/alias', { userId: 'u-1', previousId: 'seen', messageId: 'alias-0' })).accepted, 0);
      assert.equal(await stored(), Object.keys(said).length - 1);
    });

    test('undo no undo when a server’s alias comes again', async () => {
      const c = await newShop(trackMate());
      for (const userId of ['u-1', 'u-2']) await c.server('/v1/identify', { userId, traits: { plan: 'gold' } });
      const [one, two] = [await c.userOf('u-1'), await c.userOf('u-2')];
      const alias = { previousId: 'u-2', userId: 'u-1', messageId: 'alias-1' };
      assert.equal((await c.server('/v1/alias', alias)).accepted, 1);
      assert.equal((await c.userOf('u-2')).id, one.id);
      assert.ok((await c.names(one.id)).includes('alias'));
      assert.equal((await c.call('POST', '/api/admin/identity/undo', { profileId: two.id }, c.admin)).status, 200);
      assert.equal((await c.server('/v1/alias', alias)).duplicates, 1);
      assert.equal((await c.userOf('u-2')).id, two.id, 'they stay two');
      assertProblem(await c.post('/v1/alias', { ...alias, messageId: 'alias-2' }, c.serverKey), 409, 'conflict', 'previousId');
      assert.equal((await c.userOf('u-2')).id, two.id, 'nor does another alias');
    });

    test('lead by so many ids to one person and no more', async () => {
      const c = await newShop(trackMate());
      await c.server('/v1/identify', { userId: 'u-1', traits: { email: 'ada@example.com' } });
      const { id } = await c.userOf('u-1');
      const alias = (n) => ({ type: 'alias', previousId: `former-${n}`, userId: 'u-1' });
      // The address and 100 further keys, of which u-1 is one.
      const { body } = await c.post('/v1/batch', { batch: Array.from({ length: 101 }, (_, n) => alias(n)) }, c.serverKey);
      assert.deepEqual([body.accepted, body.rejected.map(({ index, code, field }) => [index, code, field])], [99, [[99, 'limit_reached', 'userId'], [100, 'limit_reached', 'userId']]]);
      const led = async () => (await c.get(`/api/admin/users/${id}/identities`)).body;
      assert.deepEqual([(await led()).externalIds.length, (await led()).addresses.length, await c.userOf('former-100')], [100, 1, undefined]);
      // Whatever else would lead to them is refused as well, and nothing of it is stored; what leads to them already is as good as ever.
      const event = { identifier: { userId: id, email: 'second@example.com' }, eventType: 'x' };
      assertProblem(await c.tryServer({ ...event, merge: true }), 409, 'limit_reached', 'identifier.email');
      assertProblem(await c.call('PATCH', `/api/admin/users/${id}`, { email: 'second@example.com' }, c.admin), 409, 'limit_reached', 'email');
      assertProblem(await c.post('/v1/identify', { userId: 'u-1', traits: { email: 'second@example.com' } }, c.serverKey), 409, 'limit_reached', 'userId');
      assert.deepEqual([(await c.names(id)).filter((name) => name !== 'alias'), await c.user('second@example.com')], [['identify'], undefined]);
      await c.server('/v1/identify', { userId: 'former-7', traits: { email: 'Ada@example.com', plan: 'gold' } });
      await c.call('PATCH', `/api/admin/users/${id}`, { email: 'ADA@example.com' }, c.admin);
      assert.deepEqual([(await c.userOf('u-1')).traits.plan, (await c.userOf('u-1')).email], ['gold', 'ADA@example.com']);
    });

    test('leave nothing behind when who they told of is erased, and an undone identify makes nobody', async () => {
      const c = await newShop(trackMate());
      await c.page('/v1/identify', { anonymousId: 'v-1', userId: 'u-secret-1', traits: { email: 'ada@example.com' }, messageId: 'i-1' });
      const ada = await c.userOf('u-secret-1');
      assert.equal((await c.call('DELETE', `/api/admin/users/${ada.id}`, undefined, c.admin)).body.receipt.counts.identities, 2);
      await c.page('/v1/identify', { anonymousId: 'v-2', userId: 'u-secret-1' });
      await c.page('/v1/identify', { anonymousId: 'v-3', userId: 'u-other', traits: { email: 'ada@example.com' } });
      const refused = (await c.post('/v1/track', { userId: 'u-secret-1', event: 'x' }, c.serverKey)).body;
      assert.equal(refused.code, 'erased_user');
      assertProblem(await c.post('/v1/identify', { userId: 'u-secret-1', anonymousId: 'v-4' }, c.serverKey), 410, 'erased_user');
      assert.equal(await c.userOf('u-secret-1'), undefined);
      const d1 = await trackMate().d1();
      for (const table of ['events', 'profiles', 'identities', 'links', 'tombstones']) {
        const { results } = await d1.prepare(`select * from ${table} where company = ?1`).bind(c.companyId).all();
        assert.ok(!/u-secret-1|ada@example/.test(JSON.stringify(results)), table);
      }
      assert.equal((await c.call('DELETE', '/api/admin/tombstones', { externalId: 'u-secret-1' }, c.admin)).body.lifted, true);
      await c.page('/v1/identify', { anonymousId: 'v-2', userId: 'u-secret-1', messageId: 'i-2' });
      assert.notEqual((await c.userOf('u-secret-1')).id, ada.id);

      const undone = await c.call('POST', '/api/admin/identity/undo', { messageId: 'i-2' }, c.admin);
      assert.equal(undone.body.removed, true);
      assert.equal(await c.userOf('u-secret-1'), undefined);
    });

    test('of PostHog’s make say the same of people', async () => {
      const c = await newShop(trackMate());
      const send = (key, ...batch) => c.fine('/batch/', { api_key: key, batch }, key);
      await send(c.companyId, { event: '$pageview', distinct_id: 'd-1', properties: { $device_id: 'd-1', $is_identified: false } });
      await send(c.companyId, { event: '$identify', distinct_id: 'u-1', properties: { $anon_distinct_id: 'd-1', $device_id: 'd-1', $set: { email: 'ada@example.com' } } });
      await send(c.companyId, { event: 'bought', distinct_id: 'u-1', properties: { $device_id: 'd-1', $is_identified: true } });
      const ada = await c.userOf('u-1');
      assert.deepEqual(await c.names(ada.id), ['page_view', 'user_registered', 'bought']);
      await send(c.serverKey, { event: '$set', distinct_id: 'u-1', properties: { $set: { plan: 'gold' }, $set_once: { plan: 'never', first: 'spring' } } });
      await send(c.serverKey, { event: '$set', distinct_id: 'u-1', properties: { $set_once: { first: 'summer' } } });
      const { traits } = await c.userOf('u-1');
      assert.deepEqual([traits.plan, traits.first], ['gold', 'spring']);
      await send(c.serverKey, { event: '$create_alias', distinct_id: 'u-1', properties: { alias: 'u-old' } }, { event: 'late', distinct_id: 'u-old' });
      assert.ok((await c.names(ada.id)).includes('late'));
    });

    test('of PostHog’s make name a visitor and a user in either order', async () => {
      const c = await newShop(trackMate());
      const send = (key, ...batch) => c.fine('/batch/', { api_key: key, batch }, key);
      const alias = (distinct_id, alias, more) => ({ event: '$create_alias', distinct_id, properties: { distinct_id, alias, ...more } });
      const seen = (distinct_id) => ({ event: 'seen', distinct_id, properties: { $process_person_profile: false } });
      const names = async (id) => (await c.names((await c.userOf(id)).id)).filter((name) => name !== 'identify');
      // [whether the visitor was there before, whether the user was, whether a server knows the visitor's id]
      const cases = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]];
      const both = async ([visitor, user, known], n) => {
        for (const order of [0, 1]) {
          const [v, u] = [`v-${n}-${order}`, `u-${n}-${order}`];
          if (visitor) await send(c.companyId, seen(v));
          if (user) await send(c.serverKey, { event: '$set', distinct_id: u, $set: { plan: 'gold' } });
          if (known) await send(c.serverKey, { event: 'told', distinct_id: v });
          // Where the visitor was not there before, the request itself says who is one.
          await send(c.serverKey, order ? alias(v, u) : alias(u, v), ...(visitor ? [] : [seen(v)]));
          assert.deepEqual((await names(u)).sort(), ['alias', 'seen', ...(known ? ['told'] : [])], `case ${n}, order ${order}`);
          assert.equal((await c.userOf(v)).id, (await c.userOf(u)).id);
        }
      };
      await Promise.all(cases.map(both));
      assert.equal((await c.get('/api/admin/users')).body.users.length, cases.length * 2);
      // Two visitors are one, and both did what they did.
      for (const visitor of ['v-left', 'v-right']) await send(c.companyId, seen(visitor));
      for (let time = 0; time < 2; time += 1) await send(c.serverKey, alias('v-left', 'v-right', { $insert_id: 'x' }));
      assert.deepEqual((await names('v-right')).filter((name) => name === 'seen').length, 2);
      // An address is nobody's id as a visitor.
      await send(c.serverKey, alias('v-mail', 'ada@example.com'));
      await send(c.companyId, seen('v-mail'));
      assert.ok((await c.names((await c.user('ada@example.com')).id)).includes('seen'));
      // A page's alias says who its visitor is, and makes no two users one.
      await send(c.companyId, seen('v-page'), alias('v-page', 'u-page', { $is_identified: false, $device_id: 'v-page' }));
      assert.deepEqual((await names('u-page')).sort(), ['alias', 'seen']);
      for (const pair of [['u-0-0', 'u-1-0'], ['u-1-0', 'u-0-0']]) await send(c.companyId, alias(...pair));
      assert.notEqual((await c.userOf('u-0-0')).id, (await c.userOf('u-1-0')).id);
    });

    test('of PostHog’s make are told by no page’s alias whether an id is known', async () => {
      const c = await newShop(trackMate());
      const page = (...batch) => c.post('/batch/', { api_key: c.companyId, batch });
      const at = (minute) => new Date(Date.UTC(2025, 9, 18, 10, minute)).toISOString();
      const seen = (distinct_id) => ({ event: 'seen', distinct_id, timestamp: at(0), properties: { $is_identified: false } });
      await c.server('/v1/identify', { userId: 'u-known', traits: { plan: 'gold' } });
      /** The answer to an alias of this id, and of one whose session takes no identify at that time: 301 events come after it. */
      const told = async (id) => {
        const full = `full-${id}`;
        await page(seen(full), seen(id));
        await c.page('/v1/identify', { anonymousId: full, userId: `other-${id}`, timestamp: at(1) });
        await c.track(full, ...Array.from({ length: 301 }, (_, n) => ({ eventType: 'later', eventData: { n }, timestamp: at(9) })));
        const { status, body, cost } = await page({ event: '$create_alias', distinct_id: full, timestamp: at(2), properties: { distinct_id: full, alias: id } });
        const { requestId, ...answer } = body;
        return [status, answer, cost.trips];
      };
      assert.deepEqual(await told('u-known'), await told('u-unknown'));
    });

    test('give a known person nothing that a page sent under their own id, where pages have to prove who they are', async () => {
      for (const [identityVerification, names] of [['off', ['alias', 'forged']], ['required', ['alias']]]) {
        const c = await newShop(trackMate());
        await c.call('PATCH', '/api/admin/settings', { identityVerification }, c.admin);
        await c.server('/v1/identify', { userId: '42', traits: { plan: 'gold' } });
        await c.track('42', { eventType: 'forged' });
        await c.server('/v1/alias', { previousId: '42', userId: 'u-42' });
        const { id } = await c.userOf('u-42');
        assert.deepEqual((await c.names(id)).filter((name) => name !== 'identify').toSorted(), names, identityVerification);
      }
    });

    test('of PostHog’s make tell of groups: who names one with an event is a member, and nobody is made up', async () => {
      const c = await newShop(trackMate());
      const send = (key, ...batch) => c.fine('/batch/', { api_key: key, batch }, key);
      const members = async (key) => {
        const { groups } = (await c.get(`/api/admin/groups?groupId=${key}`)).body;
        return (await c.get(`/api/admin/groups/${groups[0].id}/members`)).body.members.map((m) => m.id);
      };
      const group = (distinct_id, key, more) => ({ event: '$groupidentify', distinct_id, properties: { $group_type: 'company', $group_key: key, $group_set: { plan: 'pro' }, ...more } });
      await send(c.serverKey, group('6b1f6ad0-0f5e-4c3e-9f43-2d1c0f2c5a11', 'acme'), group('$company_acme', 'acme'));
      assert.deepEqual([(await c.get('/api/admin/users')).body.users, await members('acme')], [[], []]);
      const event = (distinct_id, $groups, more) => ({ event: 'bought', distinct_id, properties: { $groups, ...more } });
      await send(c.serverKey, event('u-1', { company: 'acme', team: 7 }), event('u-1', { company: 'acme' }), event('u-2', { company: null, 'no kind': 'x' }));
      const [one, two] = [await c.userOf('u-1'), await c.userOf('u-2')];
      assert.deepEqual([await members('acme'), await members('7')], [[one.id], [one.id]]);
      assert.deepEqual((await c.timeline(one.id)).events.map(({ eventData }) => eventData.$groups), [{ company: 'acme', team: 7 }, { company: 'acme' }], 'the data stay as sent');
      // Of somebody who is known it is their event, also where the request makes them known.
      await send(c.serverKey, group('u-2', 'globex'), group('u-3', 'globex'), { event: 'bought', distinct_id: 'u-3' });
      assert.deepEqual((await members('globex')).sort(), [two.id, (await c.userOf('u-3')).id].sort());
      assert.equal((await c.get('/api/admin/users')).body.users.length, 3);
      // A page's visitor is a member once they are known.
      const page = { $device_id: 'v-late', $is_identified: false };
      await send(c.companyId, event('v-late', { company: 'initech' }, page));
      await send(c.companyId, { event: '$identify', distinct_id: 'u-4', properties: { $anon_distinct_id: 'v-late' } });
      assert.deepEqual(await members('initech'), [(await c.userOf('u-4')).id]);
      // What was named before is no row more.
      const cost = async (properties) => (await trackMate().call('POST', '/capture', { api_key: c.serverKey, event: 'bought', distinct_id: 'u-1', properties })).cost.written;
      assert.equal(await cost({ $groups: { company: 'acme' } }), await cost({}));
    });

    test('have all that can be read stored, whatever the rest is', async () => {
      const c = await newShop(trackMate());
      const post = async (path, text) => {
        const { status, body } = await c.call('POST', path, text, basic(c.serverKey));
        assert.deepEqual([status, body.rejected], [200, []], text);
        return body.accepted;
      };
      // As RudderStack's Rust crate writes it.
      assert.equal(await post('/v1/batch', '{"batch":[{"type":"track","userId":"u-1","event":"twice","type":"track"},{"type":"page","name":7,"category":{},"messageId":9,"userId":"u-1"}]}'), 2);
      assert.equal(await post('/capture', `{"api_key":"${c.serverKey}","event":"seen","distinct_id":"u-1","uuid":7,"properties":{"token":7,"$is_identified":"no","$groups":7}}`), 1);
      await post('/capture', `{"api_key":"${c.serverKey}","event":"$set_once","distinct_id":"u-1","$set":{"plan":"gold"},"$set_once":{"first":"visit","plan":"x"}}`);
      const { id, traits } = await c.userOf('u-1');
      assert.deepEqual([(await c.names(id)).sort(), traits], [['identify', 'page_view', 'seen', 'twice'], { plan: 'gold', first: 'visit' }]);
    });

    test('from a page whose company wants proof identify nobody without it', async () => {
      const c = await newShop(trackMate());
      await c.call('PATCH', '/api/admin/settings', { identityVerification: 'required' }, c.admin);
      assertProblem(await c.post('/v1/identify', { anonymousId: 'v', userId: 'u-1' }), 403, 'identity_unproved');
      assert.deepEqual((await c.post('/v1/batch', { batch: [{ type: 'identify', anonymousId: 'v', userId: 'u-1' }, { type: 'track', event: 'x', anonymousId: 'v' }] })).body.rejected.map((r) => r.code), ['identity_unproved']);
      await c.server('/v1/identify', { anonymousId: 'v', userId: 'u-1' });
      assert.ok((await c.names((await c.userOf('u-1')).id)).includes('x'));
      // A proof is of the address, and what is answered does not tell whom the user id leads to.
      const { identitySecret } = (await c.call('PATCH', '/api/admin/settings', { rotateIdentitySecret: true }, c.admin)).body.settings;
      const proved = (email) => ({ email, userHash: createHmac('sha256', identitySecret).update(email).digest('hex') });
      await c.server('/v1/identify', { userId: 'u-2', traits: { email: 'ada@example.com' } });
      for (const userId of ['u-2', 'u-1', 'nobody']) await c.page('/v1/identify', { anonymousId: 'v-ada', userId, traits: proved('ada@example.com') });
      await c.page('/v1/track', { anonymousId: 'v-ada', event: 'proved' });
      assert.ok((await c.names((await c.userOf('u-2')).id)).includes('proved'));
      assert.equal(await c.userOf('nobody'), undefined);
      await c.call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'] }, c.admin);
      assertProblem(await trackMate().call('POST', '/v1/track', { event: 'x', anonymousId: 'v' }, { ...basic(c.companyId), origin: 'https://evil.example' }), 403, 'origin_not_allowed');
    });

    test('and our own leave no key in what is stored or delivered, wherever in a request it stands', async (t) => {
      const c = await newShop(trackMate());
      const { call } = trackMate();
      const receiver = await startReceiver();
      t.after(receiver.close);
      await c.subscribe(receiver.url);
      await c.get('/api/admin/events');
      const key = c.serverKey;
      const all = { token: key, api_key: key, writeKey: key, [key]: `https://x.example/?key=${key}`, deep: { list: [key, { authorization: `Bearer ${key}` }] } };
      const said = { ...all, distinct_id: 'u-1', $set: all };
      const segment = { userId: 'u-1', context: { page: { url: `https://x.example/?writeKey=${key}` }, api_key: key } };
      const item = { event: 'x', ...segment, properties: all, writeKey: key };
      const headers = { referer: `https://x.example/?key=${c.adminKey}`, 'user-agent': `agent ${c.adminKey}` };
      const page = { company_id: c.companyId, sessionId: c.session(), email: 'keys@example.com' };
      const requests = [
        ['/batch', [{ event: 'buy', properties: said }, { event: `buy ${key}`, token: key, properties: said }]],
        ['/batch', { api_key: key, batch: [{ event: 'buy', distinct_id: 'u-1', api_key: key, properties: said }, { event: '$identify', distinct_id: 'u-1', properties: said }] }],
        ['/capture', { event: 'buy', properties: said }],
        ['/e', { event: '$groupidentify', properties: { ...said, $group_key: key, $group_type: 'team', $group_set: all } }],
        ['/v1/batch', { writeKey: key, context: all, batch: [{ type: 'track', ...item }, { type: 'page', ...item, name: key }, { type: 'identify', ...item, traits: all }, { type: 'group', ...item, groupId: key, traits: all }] }],
        ['/v1/track', item],
        ['/api/s/track', { ...item, writeKey: `${key}:***` }],
        ['/api/webhooks/events', { identifier: { email: 'keys@example.com' }, eventType: `y ${key}`, eventData: { booking: { id: key, note: key } }, user: { traits: all, tags: { add: [key] }, customFields: { field: key } } }, c.key],
        ['/api/webhooks/events', { identifier: { sessionId: page.sessionId }, eventType: 'alias', eventData: { previousId: key, userId: 'u-1' }, messageId: key }, c.key],
        ['/api/events', { ...page, context: all, events: [{ eventType: `z ${key}`, eventData: all }, { eventType: 'bad', timestamp: key, eventData: all }] }],
        ['/api/profile', { ...page, name: key, ...all }],
        ['/api/contacts', { ...page, name: key, funnel: { pageUrl: `https://x.example/?k=${key}` }, utm: { source: key } }],
      ];
      for (const [path, body, more = {}] of requests) {
        const { status, body: answer } = await call('POST', path, body, { ...headers, ...more });
        assert.equal(status, 200, `${path} ${JSON.stringify(answer)}`);
        assert.ok(!JSON.stringify(answer).includes(key), path);
      }
      const edits = [['PATCH', '', { traits: all }], ['POST', '/tags', { tags: [key] }], ['PATCH', '/custom-fields', { field: key }]];
      const { id } = await c.user('keys@example.com');
      for (const [method, path, body] of edits) assert.equal((await call(method, `/api/admin/users/${id}${path}`, body, c.admin)).status, 200, path);
      const names = (await c.get('/api/admin/events/catalog')).body.events.filter(({ builtin }) => !builtin).map(({ name }) => name);
      assert.ok(['buy', '***'].every((name) => names.includes(name)), names.join());
      assert.ok(names.every((name) => !name.includes('tm_')), names.join());
      await until('the deliveries', () => receiver.requests.length > 15);
      const secrets = [key, c.adminKey];
      const d1 = await trackMate().d1();
      const tables = (await d1.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like '_cf%'").all()).results;
      for (const { name } of tables) {
        const text = JSON.stringify((await d1.prepare(`select * from "${name}"`).all()).results);
        for (const secret of secrets) assert.ok(!text.includes(secret), name);
      }
      for (const { body, headers: sent } of receiver.requests) for (const secret of secrets) assert.ok(!(body + JSON.stringify(sent)).includes(secret), body);
      // What is left of it tells which one to revoke.
      const { results } = await d1.prepare("select data from events where company = ?1 and type = 'buy'").bind(c.companyId).all();
      assert.ok(results.length >= 3 && results.every(({ data }) => JSON.parse(data).token === `${key.slice(0, 12)}***`), JSON.stringify(results));
    });

    test('send numbers as ids that are as long as they like, and odd ids that are alike', async () => {
      const c = await newShop(trackMate());
      const { call } = trackMate();
      const ids = ['7', '18446744073709551617', '18446744073709551619', '18446744073709551999', '9007199254740993', '1.5'];
      // JSON by hand: JavaScript would round them.
      for (const id of ids) {
        for (const [path, body] of [['/v1/identify', `{"userId":${id}}`], ['/batch', `{"api_key":"${c.serverKey}","batch":[{"event":"x","distinct_id":${id}}]}`]]) {
          assert.equal((await call('POST', path, body, basic(c.serverKey))).body.accepted, 1, body);
        }
      }
      for (const userId of ['a@b@c', 'a%40b%40c', 'a%2540b%40c']) await c.server('/v1/identify', { userId });
      const { users } = (await c.get('/api/admin/users')).body;
      assert.equal(users.length, ids.length + 3);
      for (const id of ids) assert.deepEqual(await c.names((await c.userOf(id)).id), ['identify', 'x'], id);
    });
  });
