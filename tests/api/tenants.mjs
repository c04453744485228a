// Companies, keys, routes, and the wall between tenants.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('tenants', () => {
    const operator = () => ({ authorization: `Bearer ${trackMate().operatorKey}` });

    test('are created by the operator, with keys that are shown once, listed by prefix, added and revoked', async () => {
      const { call } = trackMate();
      const created = await call('POST', '/api/operator/companies', { name: 'Shop' }, operator());
      const { company, keys } = created.body;
      assert.match(company.id, /^TM-[A-Z0-9]{10}$/);
      const path = `/api/operator/companies/${company.id}/keys`;
      const added = (await call('POST', path, { scope: 'server', name: 'backend' }, operator())).body.key;
      const send = (key) => call('POST', '/api/webhooks/events', { eventType: 'x' }, { 'x-trackmate-api-key': key });
      assert.equal((await send(added.key)).status, 200);
      assert.equal((await call('DELETE', `${path}/${added.id}`, undefined, operator())).status, 200);
      assertProblem(await send(added.key), 401, 'invalid_key');
      assert.equal((await send(keys.server.key)).status, 200);
      const listed = (await call('GET', path, undefined, operator())).body.keys;
      assert.equal(listed.length, 3);
      const text = JSON.stringify(listed);
      for (const { key, prefix } of [added, keys.server, keys.admin]) {
        assert.ok(key.startsWith(prefix) && text.includes(prefix) && !text.includes(key));
      }
      assert.ok(listed.find((k) => k.id === added.id).revokedAt);
      const d1 = await trackMate().d1();
      const { results } = await d1.prepare('select * from keys').all();
      assert.ok(!JSON.stringify(results).includes(keys.server.key), 'only hashes are stored');
    });

    test('are for the operator alone to create', async () => {
      const { call } = trackMate();
      const c = await newCompany(trackMate());
      assertProblem(await call('POST', '/api/operator/companies', { name: 'x' }), 401, 'missing_key');
      assertProblem(await call('POST', '/api/operator/companies', { name: 'x' }, { authorization: 'Bearer wrong' }), 401, 'invalid_key');
      assertProblem(await call('POST', '/api/operator/companies', { name: 'x' }, { authorization: `Bearer ${c.adminKey}` }), 401, 'invalid_key');
      assertProblem(await call('POST', '/api/operator/companies', { name: 'x', companyId: c.companyId }, operator()), 409, 'conflict', 'companyId');
      assertProblem(await call('POST', '/api/operator/companies', { name: 'x', companyId: 'shop' }, operator()), 400, 'invalid_field', 'companyId');
      assertProblem(await call('GET', '/api/operator/companies/TM-NOBODY/keys', undefined, operator()), 404, 'unknown_company');
    });

    test("reach nothing of another company, on any route, with their own credentials", async () => {
      const { call } = trackMate();
      const a = await newCompany(trackMate(), { name: 'A' });
      const b = await newCompany(trackMate(), { name: 'B' });
      const session = b.session();
      const { profileId } = (await b.identify(session, 'b@example.com', { name: 'B person' })).body;
      const write = (company, kind, body) => call('POST', `/v1/${kind}`, { ...body, writeKey: company.serverKey });
      await write(b, 'identify', { userId: 'u-1', traits: { email: 'b@example.com' } });
      await b.track(session, { eventType: 'group', eventData: { groupId: 'acme' } });
      const webhook = await b.subscribe('https://b.example/hook', ['nothing.ever']);
      const exported = (await fetch(`${trackMate().url}/api/admin/export/users/csv`, { headers: b.admin })).headers.get('x-export-id');
      const before = [await b.timeline(profileId), (await b.get('/api/admin/settings')).body, (await b.get(`/api/admin/webhooks/${webhook.id}`)).body];

      // Every route that names a thing of B, asked with A's keys.
      for (const path of [`/api/admin/users/${profileId}`, `/api/admin/users/${profileId}/timeline`, `/api/admin/users/${profileId}/identities`, `/api/admin/users/${profileId}/records`, `/api/admin/users/${profileId}/export`, `/api/admin/export/events/json?userId=${profileId}`]) {
        assertProblem(await call('GET', path, undefined, a.admin), 404, 'unknown_user');
      }
      const own = (await a.identify(a.session(), 'a@example.com')).body.profileId;
      for (const pair of [{ into: own, from: profileId }, { into: profileId, from: own }]) {
        assertProblem(await call('POST', '/api/admin/identity/merge', pair, a.admin), 404, 'unknown_user');
      }
      const [{ messageId }] = (await b.get(`/api/admin/users/${profileId}/identities`)).body.links;
      for (const what of [{ messageId }, { profileId }]) assertProblem(await call('POST', '/api/admin/identity/undo', what, a.admin), 404, 'not_found');
      const { groups: [{ id: group }] } = (await b.get('/api/admin/groups')).body;
      for (const [method, path, body] of [['GET', ''], ['GET', '/members'], ['PATCH', '', { traits: { plan: 'theirs' } }], ['DELETE', '']]) {
        assertProblem(await call(method, `/api/admin/groups/${group}${path}`, body, a.admin), 404, 'not_found');
      }
      assert.deepEqual((await a.get('/api/admin/groups')).body.groups, []);
      assertProblem(await call('DELETE', `/api/admin/users/${profileId}`, undefined, a.admin), 404, 'unknown_user');
      assertProblem(await call('GET', `/api/admin/users/${profileId}/erasure`, undefined, a.admin), 404, 'not_found');
      const gone = (await b.identify(b.session(), 'gone@example.com')).body.profileId;
      await call('DELETE', `/api/admin/users/${gone}`, undefined, b.admin);
      assert.equal((await call('DELETE', '/api/admin/tombstones', { email: 'gone@example.com' }, a.admin)).body.lifted, false);
      assertProblem(await call('GET', `/api/admin/users/${gone}/erasure`, undefined, a.admin), 404, 'not_found');
      assertProblem(await call('GET', `/api/admin/webhooks/${webhook.id}`, undefined, a.admin), 404, 'not_found');
      assert.deepEqual((await a.get('/api/admin/users')).body.users.map((u) => u.id), [own]);
      assert.deepEqual((await a.get('/api/admin/users?email=b@example.com')).body.users, []);
      assert.deepEqual((await a.get('/api/admin/webhooks')).body.webhooks, []);
      await call('PUT', '/api/admin/plan', { mode: 'off', events: { 'b.only': {} } }, b.admin);
      assert.deepEqual((await a.get('/api/admin/plan')).body.plan.events, {});
      assert.deepEqual((await call('POST', '/api/admin/plan/infer', undefined, a.admin)).body.plan.events, {});
      assertProblem(await call('POST', '/api/admin/plan/check', { events: [] }, a.admin), 400, 'missing_field', 'plan');
      const [theirs] = (await b.get('/api/admin/keys')).body.keys;
      assertProblem(await call('DELETE', `/api/admin/keys/${theirs.id}`, undefined, a.admin), 404, 'not_found');
      assert.ok((await a.get('/api/admin/keys')).body.keys.every((key) => key.id !== theirs.id));
      assertProblem(await call('GET', `/api/admin/export/events/count?userId=${profileId}`, undefined, a.admin), 404, 'unknown_user');
      assert.equal((await a.get('/api/admin/export/users/count')).body.rows, 1);
      assert.deepEqual(Object.values((await a.get('/api/admin/stats')).body.totals).slice(0, 4), [1, 1, 0, 1]);
      assertProblem(await call('GET', `/api/admin/exports/${exported}`, undefined, a.admin), 404, 'not_found');
      for (const [kind, whose] of [['users', 'id'], ['events', 'userId']]) {
        const rows = (await call('GET', `/api/admin/export/${kind}/json`, undefined, a.admin)).body[kind];
        assert.deepEqual(new Set(rows.map((row) => row[whose])), new Set([own]));
      }
      assert.ok((await a.get('/api/admin/exports')).body.exports.every((e) => e.id !== exported));
      await b.track(b.session(), { eventType: 'seen by b', messageId: 'of-b' }, { eventType: 'refused', messageId: 'refused-of-b', timestamp: 'never' });
      await until('a rejection', async () => (await b.get('/api/admin/events/rejected')).body.rejected.length);
      for (const id of ['of-b', 'refused-of-b']) assertProblem(await call('GET', `/api/admin/events/${id}`, undefined, a.admin), 404, 'not_found');
      assert.deepEqual((await a.get('/api/admin/events')).body.events, []);
      assert.deepEqual((await a.get('/api/admin/events/rejected')).body.rejected, []);
      assert.doesNotMatch((await call('GET', '/api/admin/events/stream?seconds=0&after=0', undefined, a.admin)).body, /data:/);
      assert.ok((await a.get('/api/admin/audit')).body.entries.every((e) => e.targetId !== exported && e.targetId !== webhook.id));
      assert.equal((await a.get('/api/admin/settings')).body.settings.company_id, a.companyId);
      assertProblem(await call('PATCH', '/api/admin/settings', { name: 'A2', company_id: b.companyId }, a.admin), 400, 'invalid_field', 'company_id');
      await call('PATCH', '/api/admin/settings', { name: 'A2', allowedOrigins: ['https://a.example'] }, a.admin);
      assertProblem(await a.tryServer({ eventType: 'x', company_id: b.companyId, identifier: { email: 'b@example.com' } }), 401, 'wrong_company');
      assertProblem(await a.tryServer({ eventType: 'x', identifier: { userId: profileId } }), 404, 'unknown_user');
      // The same session id and address in A are other people's.
      const { body } = await a.server({ sessionId: session }, 'x');
      assert.deepEqual([body.profileId, body.linked], [null, false]);
      assert.notEqual((await a.identify(session, 'b@example.com')).body.profileId, profileId);
      // So is the same user id, in any vendor's form, by either key.
      assert.deepEqual((await a.get('/api/admin/users?externalId=u-1')).body.users, []);
      for (const [path, key] of [['/v1/identify', a.serverKey], ['/v1/t', a.companyId], ['/v1/alias', a.serverKey], ['/api/s/identify', a.companyId]]) {
        assert.equal((await call('POST', path, { userId: 'u-1', anonymousId: session, event: 'x', previousId: session, traits: { name: 'A person' } }, { 'x-write-key': key })).status, 200);
      }
      for (const [path, key] of [['/batch/', a.serverKey], ['/capture/', a.companyId], ['/e/', a.companyId], ['/i/v0/e/', a.serverKey]]) {
        assert.equal((await call('POST', path, { api_key: key, event: '$identify', distinct_id: 'u-1', properties: { $set: { name: 'A person' } } })).status, 200);
      }
      assert.notEqual((await a.get('/api/admin/users?externalId=u-1')).body.users[0].id, profileId);
      for (const key of [a.adminKey, a.serverKey, b.adminKey]) {
        assertProblem(await call('GET', `/api/operator/companies/${b.companyId}/keys`, undefined, { authorization: `Bearer ${key}` }), 401, 'invalid_key');
      }

      assert.deepEqual([await b.timeline(profileId), (await b.get('/api/admin/settings')).body, (await b.get(`/api/admin/webhooks/${webhook.id}`)).body], before);
    });

    test('and everyone else find the routes as HTTP says: 404, 405 with Allow, HEAD, OPTIONS, preflight', async () => {
      const { call, url } = trackMate();
      assertProblem(await call('GET', '/api/nothing'), 404, 'not_found');
      assert.equal((await call('GET', '/nothing')).status, 404);
      const wrong = await call('PUT', '/api/events', '{}');
      assertProblem(wrong, 405, 'method_not_allowed');
      assert.equal(wrong.headers.get('allow'), 'POST, OPTIONS');
      const odd = await fetch(`${url}/healthz`, { method: 'PROPFIND' });
      assert.deepEqual([odd.status, odd.headers.get('allow')], [405, 'GET, HEAD, OPTIONS']);
      const head = await fetch(`${url}/healthz`, { method: 'HEAD' });
      assert.deepEqual([head.status, await head.text()], [200, '']);
      const preflight = await fetch(`${url}/api/events`, {
        method: 'OPTIONS',
        headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://shop.example');
      assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
      assert.match(preflight.headers.get('access-control-allow-headers'), /content-type/);
      const admin = await fetch(`${url}/api/admin/users`, { method: 'OPTIONS', headers: { origin: 'https://shop.example' } });
      assert.deepEqual([admin.status, admin.headers.get('access-control-allow-origin'), admin.headers.get('allow')], [204, null, 'GET, HEAD, OPTIONS']);
    });

    test('are asked to come by https, by every answer and every file, and pages may ask another port on one’s own machine alone', async () => {
      const c = await newCompany(trackMate());
      const { url } = trackMate();
      const api = [['GET', '/healthz'], ['GET', '/api/nothing'], ['PUT', '/api/events'], ['OPTIONS', '/api/events'], ['GET', '/api/admin/users', c.admin], ['GET', '/api/admin/export/users/csv', c.admin], ['POST', '/v1/track']];
      const files = ['/', '/shop/product/', '/dashboard/', '/docs/', '/sdk/trackmate.js', '/openapi.json', '/no/such/page'].map((path) => ['GET', path]);
      for (const [method, path, headers] of [...api, ...files]) {
        const answer = await fetch(url + path, { method, headers });
        assert.equal(answer.headers.get('strict-transport-security'), 'max-age=31536000', `${method} ${path}`);
        await answer.body?.cancel();
      }
      /** Whom a page may ask, by its policy, where it is served by this name. */
      const asked = (path, host) =>
        new Promise((told, failed) => {
          const request = get(url + path, { headers: { host } }, (answer) => {
            answer.resume();
            told(/connect-src ([^;]*)/.exec(answer.headers['content-security-policy'])[1]);
          });
          request.on('error', failed);
        });
      for (const path of ['/shop/', '/shop/product/', '/shop/account/', '/shop/checkout/']) {
        for (const host of ['shop.example', 'localhost.shop.example', 'trackmate.workers.dev:443']) assert.equal(await asked(path, host), "'self'", `${host}${path}`);
        for (const host of ['localhost:8787', '127.0.0.1:8797']) assert.equal(await asked(path, host), "'self' http://localhost:* http://127.0.0.1:*", `${host}${path}`);
      }
      for (const path of ['/', '/dashboard/']) assert.equal(await asked(path, 'localhost:8787'), "'self'");
    });
  });
