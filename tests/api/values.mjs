// What real pages, clients and people send: texts cut through a sign, numbers that are none, blanks, odd names, pasted addresses. What was accepted can be read
// everywhere afterwards.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

/** A text, a name and numbers that JSON allows or Python writes, and that many readers refuse; as JSON text. */
const ODD = String.raw`"text":"cut \ud83d","k\udc00":1,"big":1e400,"nan":NaN,"inf":-Infinity,"amount":5,"amount":7,"currency":"EUR","nul":"a\u0000b"`;
/** What they are read as. */
const READ = { text: 'cut \ufffd', 'k\ufffd': 1, big: null, nan: null, inf: null, amount: 7, currency: 'EUR', nul: 'a\u0000b' };

export default (trackMate) =>
  describe('a value as real senders write it', () => {
    /** Sends a body that JSON.stringify would not write → {status, body}. */
    async function send(path, text, headers = {}) {
      const response = await fetch(trackMate().url + path, { method: 'POST', headers, body: text });
      return { status: response.status, body: await response.json() };
    }
    const basic = (key) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });

    test('is read once, at whichever door it comes in, and breaks no later read', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      const { id } = await c.subscribe(`${receiver.url}/odd`, ['odd', 'identify', 'user.*', 'customfield.updated']);
      const session = c.session();
      const taken = async (path, text, headers) => {
        const answer = await send(path, text, headers);
        assert.equal(answer.status, 200, `${path} ${JSON.stringify(answer.body)}`);
        if ('accepted' in answer.body) assert.deepEqual([answer.body.accepted, answer.body.rejected], [1, []], path);
      };
      const event = (n) => `"eventType":"odd","messageId":"odd-${n}","eventData":{"n":${n},${ODD}}`;
      const server = { 'x-trackmate-api-key': c.serverKey };
      await taken('/api/events', `\ufeff{"company_id":"${c.companyId}","company_id":"${c.companyId}","sessionId":"${session}","context":{${ODD}},"events":[{"eventType":"no",${event(1)}}]}`);
      await taken('/api/profile', `{"company_id":"${c.companyId}","sessionId":"${session}","email":"odd@example.com",${ODD}}`);
      await taken('/api/contacts', `{"company_id":"${c.companyId}","email":"lead@example.com","name":"Cut \\ud83d","utm":{"source":"x\\ude00","term":NaN}}`);
      await taken('/api/webhooks/events', `{"identifier":{"email":"odd@example.com"},${event(2)},"user":{"city":"x\\ud83d","customFields":{"level":"plat \\ud83d"}}}`, server);
      await taken('/v1/batch', `{"batch":[{"type":"track","event":"odd","userId":"u-1","messageId":"odd-3","properties":{"n":3,${ODD}},"type":"track"}]}`, basic(c.serverKey));
      await taken('/v1/identify', `{"userId":"u-2","messageId":"odd-4","traits":{"email":"traits@example.com",${ODD}}}`, basic(c.serverKey));
      await taken('/batch/', `{"api_key":"${c.companyId}","batch":[{"event":"odd","distinct_id":"d-1","uuid":"odd-5","properties":{"n":5,${ODD}}}]}`);
      await taken('/api/s/track', `{"event":"odd","anonymousId":"a-1","messageId":"odd-6","properties":{"n":6,${ODD}}}`, { 'x-write-key': c.companyId });

      const person = await c.user('odd@example.com');
      assert.deepEqual([person.traits.text, person.traits['k\ufffd'], person.traits.city, person.customFields.level], ['cut \ufffd', 1, 'x\ufffd', 'plat \ufffd']);
      assert.equal((await c.user('lead@example.com')).name, 'Cut \ufffd');
      assert.equal((await c.user('traits@example.com')).traits.text, 'cut \ufffd');
      const timeline = await c.timeline(person.id);
      const shown = timeline.events.filter((e) => e.eventType === 'odd');
      assert.deepEqual(shown.map((e) => e.eventData), [{ n: 1, ...READ }, { n: 2, ...READ }]);
      for (const n of [1, 2, 3, 5, 6]) {
        const { event: receipt } = (await c.get(`/api/admin/events/odd-${n}`)).body;
        assert.deepEqual(receipt.eventData, { n, ...READ });
      }
      // An export in each format, whole.
      const file = async (path) => {
        const response = await fetch(`${trackMate().url}/api/admin/export/${path}`, { headers: c.admin });
        assert.equal(response.status, 200);
        return response.text();
      };
      const csv = await file('events/csv?fields=eventData.n,eventData.text,eventData.big,eventData.nul,eventData');
      assert.equal(csv.split('\r\n').filter((line) => /^\d,cut \ufffd,,ab,/.test(line)).length, 5, csv);
      assert.ok(!csv.includes('\0'));
      assert.equal(JSON.parse(await file('events/json')).events.filter((e) => e.eventType === 'odd').length, 5);
      assert.equal((await file('users/ndjson')).trim().split('\n').map((line) => JSON.parse(line)).length, 4);
      // The plan sees what a double holds, and no more.
      const inferred = await c.call('POST', '/api/admin/plan/infer', {}, c.admin);
      assert.equal(inferred.status, 200, JSON.stringify(inferred.body));
      assert.deepEqual([inferred.body.plan.events.odd.properties.text.type, inferred.body.plan.events.odd.properties.amount.type], ['string', 'number']);
      assert.equal((await c.get('/api/admin/stats')).body.totals.browserEvents > 0, true);
      // What goes out is text too, to the letter of what is signed.
      await until('the deliveries', () => receiver.requests.filter((r) => r.json?.event === 'odd').length === 5);
      for (const { body } of receiver.requests) assert.doesNotMatch(String(body), /\\u[dD][89a-fA-F]/);
      assert.ok((await c.deliveries(id)).every((d) => d.status !== 'failed_permanent'));
    });

    test('from before it was read at the door breaks no later read', async () => {
      const c = await newCompany(trackMate());
      const { profileId } = (await c.identify(c.session(), 'old@example.com')).body;
      await c.server({ userId: profileId }, 'old', { messageId: 'old-1', eventData: {} });
      const d1 = await trackMate().d1();
      const old = String.raw`{"text":"cut \ud83d","big":1e999,"amount":5,"amount":7}`;
      await d1.prepare(`update events set data = ?2 where company = ?1 and message_id = 'old-1'`).bind(c.companyId, old).run();
      await d1.prepare(`update profiles set trusted_traits = ?2 where company = ?1`).bind(c.companyId, String.raw`{"bio":"cut \ud83d","lastName":"L\ud83d"}`).run();
      const read = { text: 'cut \ufffd', big: null, amount: 7 };
      assert.deepEqual((await c.timeline(profileId)).events.at(-1).eventData, read);
      assert.deepEqual((await c.get('/api/admin/events/old-1')).body.event.eventData, read);
      assert.deepEqual([(await c.user('old@example.com')).traits.bio, (await c.user('old@example.com')).lastName], ['cut \ufffd', 'L\ufffd']);
      assert.equal((await c.call('POST', '/api/admin/plan/infer', {}, c.admin)).status, 200);
      for (const [path, expected] of [['events/csv?fields=eventData.text', /^cut \ufffd$/m], ['events/ndjson?eventType=old', /"big":null,"amount":7/], ['users/csv?fields=traits.bio', /^cut \ufffd$/m]]) {
        const response = await fetch(`${trackMate().url}/api/admin/export/${path}`, { headers: c.admin });
        assert.match(await response.text(), expected, path);
      }
    });

    test('in an optional part costs no lead, no payment and no identify', async () => {
      const c = await newCompany(trackMate());
      const codes = (answer) => (answer.body.warnings ?? []).map((w) => w.code);
      const contact = (more) => c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'lead@example.com', ...more });
      for (const [more, expected] of [
        [{ utm: null, funnel: null, visitor: null, sessionId: '', timestamp: '', name: null, messageId: '' }, []],
        [{ funnel: { projectId: 42, pageId: null }, messageId: 7 }, []],
        [{ utm: 'spring', funnel: [], visitor: { id: {} } }, ['left_out', 'left_out', 'left_out']],
        [{ sessionId: 'webhook_1_x', name: 'x'.repeat(300) }, ['cut', 'left_out']],
      ]) {
        const answer = await contact(more);
        assert.deepEqual([answer.status, codes(answer)], [200, expected], JSON.stringify([more, answer.body]));
      }
      const { contactId } = (await contact({})).body;
      const funnels = (await c.timeline(contactId)).events.map((e) => e.eventData.funnel.projectId);
      assert.deepEqual(funnels, [null, '42', null, null, null]);

      for (const [name, kept, expected] of [['Ann Smith\n', 'Ann Smith', []], ['Ann\tLee', 'Ann Lee', []], [42, '42', []], ['', null, []], [{ first: 'x' }, null, ['left_out']], [`${'x'.repeat(199)} yz`, 'x'.repeat(199), ['cut']]]) {
        const email = `n${Math.random()}@example.com`;
        const answer = await c.tryIdentify(c.session(), email, { name, timestamp: '' });
        assert.deepEqual([answer.status, codes(answer), (await c.user(email)).name], [200, expected, kept], JSON.stringify(name));
      }

      const paid = async (user, more = {}) => c.tryServer({ identifier: { email: 'payer@example.com', sessionId: '' }, eventType: 'payment_processed', eventData: { amount: 1, currency: 'EUR' }, user, ...more });
      for (const [user, expected] of [
        [{ traits: null, customFields: null, tags: null, optIns: null, exportConsent: null, firstName: '' }, []],
        [{ optIns: { whatsapp: null }, phone: 47, tags: { add: null } }, []],
        [{ gender: {}, email: 'nonsense', optIns: { fax: true, whatsapp: true } }, ['left_out', 'left_out', 'left_out']],
        ['nobody', ['left_out']],
      ]) {
        const answer = await paid(user);
        assert.deepEqual([answer.status, answer.body.accepted, codes(answer)], [200, 1, expected], JSON.stringify([user, answer.body]));
      }
      assert.equal((await paid({}, { timestamp: '' })).body.accepted, 1);
      const { user, summary } = (await c.get(`/api/admin/users/${(await c.user('payer@example.com')).id}`)).body;
      assert.deepEqual([summary.totalRevenue, user.phone, user.optIns.whatsapp, user.firstName], [[{ currency: 'EUR', amount: 5 }], '47', true, null]);

      // Who edits a user is told, and nothing is half done.
      assertProblem(await c.call('PATCH', `/api/admin/users/${user.id}`, { phone: 47, city: 'Oslo' }, c.admin), 400, 'invalid_field');
      assert.equal((await c.user('payer@example.com')).traits.city, undefined);
    });

    test('of an amount counts where it is plain, and else the answer warns', async () => {
      const c = await newCompany(trackMate());
      const amounts = [['.50', 0.5], ['+5', 5], ['７９．９９', 79.99], [' 12 ', 12], ['79,99', 0], ['1,299.00', 0], ['$79.99', 0], ['5 USD', 0], [{ value: 5 }, 0]];
      let sum = 0;
      for (const [amount, counted] of amounts) {
        const { body } = await c.server({ email: 'payer@example.com' }, 'payment_processed', { eventData: { amount, currency: 'EUR' } });
        assert.deepEqual((body.warnings ?? []).map((w) => w.code), counted ? [] : ['amount_unread'], JSON.stringify(amount));
        sum += counted;
      }
      const { summary } = (await c.get(`/api/admin/users/${(await c.user('payer@example.com')).id}`)).body;
      assert.deepEqual(summary.totalRevenue, [{ currency: 'EUR', amount: sum }]);
      const { body } = await c.track(c.session(), { eventType: 'x', eventData: { amount: '5 EUR' } }, { eventType: 'x', eventData: {} });
      assert.deepEqual([body.accepted, body.warnings.map((w) => w.code)], [2, ['amount_unread']]);
    });

    test('of an address is one person however it was pasted, at every door', async () => {
      const c = await newCompany(trackMate());
      const { profileId } = (await c.identify(c.session(), 'zed@münchen.example')).body;
      const same = ['zed@xn--mnchen-3ya.example', '\ufeffzed@münchen.example', 'Zed Lee <zed@MÜNCHEN.example>;', 'mailto:zed@münchen.example', 'zed\u200b@mün\u00adchen.example.'];
      for (const email of same) {
        assert.equal((await c.identify(c.session(), email)).body.profileId, profileId, email);
        assert.equal((await c.server({ email }, 'x')).body.profileId, profileId, email);
        assert.equal((await c.user(email)).id, profileId, email);
        await send('/v1/identify', JSON.stringify({ anonymousId: `a${Math.random()}`, traits: { email } }), basic(c.companyId));
      }
      assert.equal((await c.call('POST', '/api/contacts', { company_id: c.companyId, email: `<${same[0]}>` })).body.contactId, profileId);
      assert.equal((await c.get('/api/admin/users')).body.pagination.total, 1);
      await c.call('DELETE', `/api/admin/users/${profileId}`, undefined, c.admin);
      for (const email of same) assertProblem(await c.tryServer({ identifier: { email }, eventType: 'x' }), 410, 'erased_user');
      const lifted = await c.call('DELETE', '/api/admin/tombstones', { email: same[2] }, c.admin);
      assert.equal(lifted.status, 200, JSON.stringify(lifted.body));
      const again = (await c.identify(c.session(), same[2])).body.profileId;
      assert.equal((await c.get(`/api/admin/users/${again}`)).body.user.email, 'zed@MÜNCHEN.example');
    });

    test('of a time is read as databases write it, and a clock at 1970 is corrected', async () => {
      const c = await newCompany(trackMate());
      const session = c.session();
      await c.track(session, { eventType: 'a', timestamp: '2025-10-18 12:00:00' }, { eventType: 'b', timestamp: '2025-10-18 14:00:00 +0200' });
      const sentAt = 7_201_000;
      const before = Date.now();
      const { body } = await c.events(session, [{ eventType: 'c', timestamp: sentAt - 750 }], { sentAt });
      assert.equal(body.accepted, 1);
      const { profileId } = (await c.identify(session, 'time@example.com')).body;
      const at = Object.fromEntries((await c.timeline(profileId)).events.map((e) => [e.eventType, e.timestamp]));
      assert.deepEqual([at.a, at.b], ['2025-10-18T12:00:00.000Z', '2025-10-18T12:00:00.000Z']);
      assert.ok(Math.abs(Date.parse(at.c) - (before - 750)) < 5000, at.c);
    });

    test('of a filter or a setting that there is not is refused by its name', async () => {
      const c = await newCompany(trackMate());
      const { id } = await c.subscribe('https://hooks.example/x');
      const user = (await c.identify(c.session(), 'f@example.com')).body.profileId;
      for (const path of ['users', `users/${user}`, `users/${user}/timeline`, `users/${user}/records`, `users/${user}/identities`, 'groups', 'exports', 'audit', 'stats', 'events', 'events/rejected', 'events/stream', `webhooks/${id}/deliveries`, 'export/users/csv', 'export/events/count']) {
        assertProblem(await c.call('GET', `/api/admin/${path}?hastag=vip`, undefined, c.admin), 400, 'invalid_field', 'hastag');
      }
      assertProblem(await c.call('GET', '/api/admin/users?externalId=', undefined, c.admin), 400, 'invalid_field', 'externalId');
      const settings = (change) => c.call('PATCH', '/api/admin/settings', change, c.admin);
      assertProblem(await settings({ nope: 1, name: 'New' }), 400, 'invalid_field', 'nope');
      assertProblem(await settings({ webhook_enabled: 'yes' }), 400, 'invalid_field', 'webhook_enabled');
      assertProblem(await settings({ logRetentionDays: -1 }), 400, 'invalid_field', 'logRetentionDays');
      assertProblem(await c.call('PATCH', `/api/admin/webhooks/${id}`, { retrys: 3 }, c.admin), 400, 'invalid_field', 'retrys');
      assert.notEqual((await c.get('/api/admin/settings')).body.settings.name, 'New');
    });

    test('of nothing takes away what may be nothing, and changes nothing else', async () => {
      const c = await newCompany(trackMate());
      const settings = async (change) => (await c.call('PATCH', '/api/admin/settings', change, c.admin)).body.settings;
      const first = { crm_webhook_url: 'https://crm.example/hook', webhook_secret: 'a-secret', allowedOrigins: ['https://shop.example'], eventRetentionDays: 30, name: 'Shop' };
      assert.equal((await settings(first)).webhook_secret_set, true);
      const nothing = await settings(Object.fromEntries([...Object.keys(first), 'revenueEvents', 'webhooksEnabled', 'logRetentionDays', 'webhook_enabled'].map((name) => [name, null])));
      assert.deepEqual(
        [nothing.webhook_secret_set, nothing.allowedOrigins, nothing.eventRetentionDays, nothing.name, nothing.crm_webhook_url, nothing.webhooksEnabled, nothing.logRetentionDays],
        [false, null, null, 'Shop', 'https://crm.example/hook', true, 30],
      );
      const { id } = await c.subscribe('https://hooks.example/x', ['a'], { description: 'CRM', rateLimit: 5, headers: { 'X-A': '1', 'X-B': '2' } });
      const change = { description: null, rateLimit: null, headers: { 'X-A': null }, name: null, url: null, events: null, retryAttempts: null, active: null, preset: null };
      const { webhook } = (await c.call('PATCH', `/api/admin/webhooks/${id}`, change, c.admin)).body;
      assert.deepEqual([webhook.description, webhook.rateLimit, webhook.headers, webhook.name, webhook.events, webhook.active], [null, null, { 'x-b': '***' }, 'Test', ['a'], true]);
    });

    test('of what cannot be said is refused at its own place', async () => {
      const c = await newCompany(trackMate());
      const { id } = await c.subscribe('https://hooks.example/x');
      const user = (await c.identify(c.session(), 'place@example.com')).body.profileId;
      const users = `/api/admin/users/${user}`;
      const at = { [users]: 'PATCH', '/api/admin/tombstones': 'DELETE', '/api/admin/plan': 'PUT' };
      for (const [path, body, field, code = 'invalid_field'] of [
        [users, { gender: '' }, 'gender'],
        [users, { name: 'x'.repeat(201) }, 'name'],
        [users, { traits: { gender: 5 } }, 'traits.gender'],
        [users, { stats: {} }, 'stats'],
        [users, { email: '' }, 'email', 'invalid_email'],
        [users, { tags: { add: [' '] } }, 'tags'],
        ['/api/admin/tombstones', { externalId: 'null' }, 'externalId'],
        ['/api/admin/plan', { mode: 'loud' }, 'mode'],
        [`/api/admin/webhooks/${id}/recover`, { since: '2025-10-18', status: 5 }, 'status'],
      ]) {
        const answer = await c.call(at[path] ?? 'POST', path, body, c.admin);
        assertProblem(answer, 400, code, field);
        assert.ok(answer.body.message.startsWith(field) || field === 'tags', answer.body.message);
      }
      const blank = await c.call('GET', '/api/admin/users?email=', undefined, c.admin);
      assertProblem(blank, 400, 'invalid_email', 'email');
      assert.doesNotMatch(blank.body.message, /placeholder/);
    });

    test('of an origin may be a pattern of its subdomains', async () => {
      const c = await newCompany(trackMate());
      const settings = (allowedOrigins) => c.call('PATCH', '/api/admin/settings', { allowedOrigins }, c.admin);
      for (const bad of ['https://*', 'https://*.', 'https://shop.*', 'https://a*.shop.example', '*.shop.example', 'https://*.*.example', 'https://*.shop.example/']) {
        assertProblem(await settings([bad]), 400, 'invalid_field', 'allowedOrigins');
      }
      const patterns = ['https://*.shop.example', 'http://*.localhost:3000'];
      assert.deepEqual((await settings(patterns)).body.settings.allowedOrigins, patterns);
      const asks = async (origin) => [
        (await c.events(c.session(), [{ eventType: 'x' }], {}, { origin })).status,
        (await c.call('POST', '/api/profile', { company_id: c.companyId, sessionId: c.session(), email: 'o@example.com' }, { origin })).status,
      ];
      for (const origin of ['https://www.shop.example', 'https://a.b.shop.example', 'http://app.localhost:3000']) assert.deepEqual(await asks(origin), [200, 200], origin);
      for (const origin of ['https://shop.example', 'http://www.shop.example', 'https://evilshop.example', 'https://www.shop.example:8443', 'https://www.shop.example.evil.example', 'null']) {
        assert.deepEqual(await asks(origin), [403, 403], origin);
      }
    });
  });
