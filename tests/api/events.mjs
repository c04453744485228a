// POST /api/events: what browsers send.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('browser events', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('are stored with their session and no person', async () => {
      const c = await company();
      const { body } = await c.track(c.session(), { eventType: 'page_view', eventData: { address: 'https://shop.com/' } });
      assert.deepEqual(body, { success: true, accepted: 1, duplicates: 0, rejected: [] });
      assert.deepEqual((await c.get('/api/admin/users')).body.users, []);
    });

    test('that are good are stored when others of the batch are bad', async () => {
      const c = await company();
      const session = c.session();
      const { body } = await c.events(session, [
        { eventType: 'a' },
        { eventType: '' },
        { eventType: 'b', eventData: 'text' },
        7,
        { eventType: 'x'.repeat(201) },
        { eventType: 'c', timestamp: 'soon' },
        { eventType: 'd', eventData: { text: 'x'.repeat(33 * 1024) } },
        { eventType: 'e' },
      ]);
      assert.equal(body.accepted, 2);
      assert.deepEqual(body.rejected.map(({ index, code }) => [index, code]), [
        [1, 'missing_field'],
        [2, 'invalid_field'],
        [3, 'invalid_field'],
        [4, 'invalid_field'],
        [5, 'invalid_timestamp'],
        [6, 'event_too_large'],
      ]);
      const { body: identified } = await c.identify(session, 'good@example.com');
      assert.deepEqual(await c.names(identified.profileId), ['a', 'e', 'user_registered']);
    });

    test('keep their data to the letter and their order in the batch', async () => {
      const c = await company();
      const session = c.session();
      const data = '{"n":12345678901234567890,"f":79.990,"nested":{"a":[1,null,true]},"text":"é\\u0000\\ud83d\\ude00"}';
      const events = Array.from({ length: 40 }, (_, i) => `{"eventType":"e${i}","eventData":${data}}`).join(',');
      await c.call('POST', '/api/events', `{"company_id":"${c.companyId}","sessionId":"${session}","events":[${events}]}`);
      const { body } = await c.identify(session, 'order@example.com');
      const url = `${trackMate().url}/api/admin/users/${body.profileId}/timeline?limit=500`;
      const text = await (await fetch(url, { headers: c.admin })).text();
      assert.equal(text.split(data).length - 1, 40);
      assert.deepEqual(JSON.parse(text).events.slice(0, 40).map((e) => e.eventType), Array.from({ length: 40 }, (_, i) => `e${i}`));
    });

    test('sent twice are stored once, by message id or, with a time, by content', async () => {
      const c = await company();
      const session = c.session();
      const event = { eventType: 'once', messageId: `m-${session}` };
      assert.equal((await c.track(session, event)).body.accepted, 1);
      assert.deepEqual((await c.track(session, event, event)).body, { success: true, accepted: 0, duplicates: 2, rejected: [] });
      const timed = { eventType: 'timed', eventData: { a: 1 }, timestamp: '2025-10-18T10:00:00Z' };
      assert.equal((await c.track(session, timed)).body.accepted, 1);
      assert.equal((await c.track(session, timed)).body.duplicates, 1);
      assert.equal((await c.track(session, { ...timed, eventData: { a: 2 } })).body.accepted, 1);
      assert.equal((await c.track(session, { eventType: 'untimed' }, { eventType: 'untimed' })).body.accepted, 2);
    });

    test('in a large batch that has some of them again are new once, and the others are duplicates', async () => {
      const c = await company();
      const session = c.session();
      const batch = (from) => Array.from({ length: 40 }, (_, n) => ({ eventType: 'e', messageId: `${session}-${from + n}` }));
      for (const [from, accepted, trips] of [[0, 40, 1], [0, 0, 1], [15, 15, 2]]) {
        const { body, cost } = await c.events(session, batch(from));
        assert.deepEqual([body.accepted, body.duplicates, cost.trips], [accepted, 40 - accepted, trips]);
      }
      const { body } = await c.identify(session, 'again@example.com');
      assert.equal((await c.get(`/api/admin/users/${body.profileId}/timeline`)).body.summary.totalEvents, 56);
    });

    test('are read from gzip, from a beacon, and whatever the content type says', async () => {
      const c = await company();
      const body = () => JSON.stringify({ company_id: c.companyId, sessionId: c.session(), events: [{ eventType: 'x' }] });
      for (const [sent, headers] of [
        [gzipSync(body()), { 'content-encoding': 'gzip' }],
        [gzipSync(body()), {}],
        [body(), { 'content-type': 'text/plain;charset=UTF-8' }],
        [body(), { 'content-type': 'application/x-www-form-urlencoded' }],
      ]) {
        const answer = await c.call('POST', '/api/events', sent, headers);
        assert.deepEqual([answer.status, answer.body.accepted], [200, 1], JSON.stringify(answer.body));
      }
    });

    test('beyond the limits of a request are refused with a code', async () => {
      const c = await company();
      const session = c.session();
      const large = JSON.stringify({ company_id: c.companyId, sessionId: session, events: [], x: 'x'.repeat(500 * 1024) });
      assertProblem(await c.call('POST', '/api/events', large), 413, 'body_too_large');
      assertProblem(await c.call('POST', '/api/events', gzipSync(large)), 413, 'body_too_large');
      assertProblem(await c.events(session, Array(501).fill({ eventType: 'x' })), 413, 'too_many_events', 'events');
      assert.equal((await c.events(session, Array(500).fill({ eventType: 'x' }))).body.accepted, 500);
      assertProblem(await c.call('POST', '/api/events', gzipSync('{}').subarray(0, 12), { 'content-encoding': 'gzip' }), 400, 'invalid_encoding');
      assertProblem(await c.call('POST', '/api/events', '{}', { 'content-encoding': 'br' }), 400, 'invalid_encoding');
    });

    test('without a company, a session or JSON are refused with a code', async () => {
      const c = await company();
      const events = [{ eventType: 'x' }];
      for (const [body, status, code, field] of [
        ['', 400, 'invalid_json'],
        ['nonsense', 400, 'invalid_json'],
        ['[]', 400, 'invalid_json'],
        [new Uint8Array([0xff, 0xfe]), 400, 'invalid_json'],
        [{ sessionId: 's', events }, 400, 'missing_field', 'company_id'],
        [{ company_id: 'TM-NOBODY', sessionId: 's', events }, 404, 'unknown_company', 'company_id'],
        [{ company_id: "x' or 1=1", sessionId: 's', events }, 404, 'unknown_company', 'company_id'],
        [{ company_id: c.companyId, events }, 400, 'missing_field', 'sessionId'],
        [{ company_id: c.companyId, sessionId: 'undefined', events }, 400, 'invalid_session', 'sessionId'],
        [{ company_id: c.companyId, sessionId: 's' }, 400, 'missing_field', 'events'],
      ]) {
        assertProblem(await c.call('POST', '/api/events', body), status, code, field);
      }
    });

    test('are corrected for a clock that is an hour off and not for one that is minutes off', async () => {
      const c = await company();
      const session = c.session();
      const hour = 3_600_000;
      const now = Date.now();
      const send = (name, offset) =>
        c.events(session, [{ eventType: name, timestamp: new Date(now + offset - 5000).toISOString() }], { sentAt: new Date(now + offset).toISOString() });
      await send('hours_off', -5 * hour);
      await send('minutes_off', -hour / 2);
      await c.events(session, [{ eventType: 'days_ahead', timestamp: new Date(now + 48 * hour).toISOString() }]);
      const { body } = await c.identify(session, 'clock@example.com');
      const { events } = await c.timeline(body.profileId);
      const offset = (name) => Math.round((Date.parse(events.find((e) => e.eventType === name).timestamp) - now) / 60_000) || 0;
      assert.deepEqual(['hours_off', 'minutes_off', 'days_ahead'].map(offset), [0, -30, 0]);
    });

    test('from pages of other origins are let in, unless the company lists its own', async () => {
      const c = await newCompany(trackMate());
      const send = (headers) => c.events(c.session(), [{ eventType: 'x' }], {}, headers);
      const open = await send({ origin: 'https://anywhere.example' });
      assert.deepEqual([open.status, open.headers.get('access-control-allow-origin'), open.headers.get('access-control-allow-credentials')], [200, 'https://anywhere.example', 'true']);
      const { body } = await c.call('PATCH', '/api/admin/settings', { allowedOrigins: ['https://shop.example'] }, c.admin);
      assert.deepEqual(body.settings.allowedOrigins, ['https://shop.example']);
      const shut = await send({ origin: 'https://anywhere.example' });
      assertProblem(shut, 403, 'origin_not_allowed');
      assert.equal(shut.headers.get('access-control-allow-origin'), 'https://anywhere.example', 'the page can read why');
      assert.equal((await send({ origin: 'https://é.example' })).status, 403, 'what is no header is not sent back');
      assert.deepEqual([(await send({})).headers.get('access-control-allow-origin'), (await send({})).headers.get('access-control-allow-credentials')], ['*', null]);
      assert.equal((await send({ origin: 'https://shop.example' })).status, 200);
      assert.equal((await send({})).status, 200);
      assertProblem(await c.call('POST', '/api/profile', { company_id: c.companyId, sessionId: 's', email: 'a@b.example' }, { origin: 'https://x.example' }), 403, 'origin_not_allowed');
      assert.deepEqual((await c.get('/api/admin/users')).body.users, []);
    });
  });
