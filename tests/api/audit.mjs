// The audit log: every action of an admin or the operator, with who, when, on what and how it came out; and nothing of the people it was about.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('the audit log', () => {
    const log = async (c, query = '') => (await c.get(`/api/admin/audit${query}`)).body;
    const operator = () => ({ authorization: `Bearer ${trackMate().operatorKey}` });

    test('has an entry for each action, newest first, before its answer is there, and none for reading', async () => {
      const c = await newCompany(trackMate());
      const { call, admin } = c;
      await c.server({ email: 'private@example.com' }, 'made', { user: { firstName: 'Secretive' } });
      const { id } = await c.user('private@example.com');
      const webhook = await c.subscribe('https://crm.example/hook', ['nothing.ever']);
      const did = async (method, path, body) => (await call(method, path, body, admin)).headers.get('x-request-id');
      const requests = [];
      for (const [action, target, method, path, body] of [
        ['user.update', id, 'PATCH', `/api/admin/users/${id}`, { firstName: 'Otherwise' }],
        ['user.tag', id, 'POST', `/api/admin/users/${id}/tags`, { tags: ['hidden-tag'] }],
        ['user.untag', id, 'DELETE', `/api/admin/users/${id}/tags?tag=hidden-tag`],
        ['user.fields', id, 'PATCH', `/api/admin/users/${id}/custom-fields`, { points: 'hidden-value' }],
        ['export.user', id, 'GET', `/api/admin/users/${id}/export`],
        ['settings.update', null, 'PATCH', '/api/admin/settings', { name: 'Renamed' }],
        ['webhook.update', webhook.id, 'PATCH', `/api/admin/webhooks/${webhook.id}`, { active: false }],
        ['webhook.rotate', webhook.id, 'POST', `/api/admin/webhooks/${webhook.id}/rotate-secret`, {}],
        ['webhook.recover', webhook.id, 'POST', `/api/admin/webhooks/${webhook.id}/recover`, { since: '2025-01-01' }],
        ['webhook.delete', webhook.id, 'DELETE', `/api/admin/webhooks/${webhook.id}`],
      ]) {
        const request = await did(method, path, body);
        requests.push([action, target, request]);
        const [latest] = (await log(c, '?limit=1')).entries;
        assert.deepEqual([latest.action, latest.targetId, latest.requestId, latest.outcome, latest.actor], [action, target, request, 'ok', 'admin']);
      }
      const before = (await log(c)).entries.length;
      for (const path of ['users', `users/${id}`, `users/${id}/timeline`, 'webhooks', 'settings', 'exports', 'audit', 'events/catalog']) await c.get(`/api/admin/${path}`);
      const { entries } = await log(c);
      assert.equal(entries.length, before);
      assert.deepEqual(entries.slice(0, 10).map((e) => e.action), requests.map(([action]) => action).reverse());
      assert.deepEqual(entries.slice(10).map((e) => [e.action, e.actor, e.targetId]), [['webhook.create', 'admin', webhook.id], ['company.create', 'operator', c.companyId]]);
      for (const { key, actor, at } of entries) {
        assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000);
        if (actor === 'operator') assert.equal(key, null);
        else assert.ok(key.id.startsWith('key_') && c.adminKey.startsWith(key.prefix) && key.prefix.length < 20);
      }
      const d1 = await trackMate().d1();
      const stored = JSON.stringify((await d1.prepare('select * from audit where company = ?').bind(c.companyId).all()).results);
      assert.doesNotMatch(stored, /private@|Secretive|Otherwise|hidden|Renamed|crm\.example/, 'ids and names of actions only');
    });

    test('tells of what came out badly, but not of who showed no key of the company', async () => {
      const c = await newCompany(trackMate());
      const { call, admin } = c;
      assertProblem(await call('PATCH', '/api/admin/users/nobody-has-this', { firstName: 'x' }, admin), 404, 'unknown_user');
      assertProblem(await call('GET', '/api/admin/export/users/csv?fields=nothing', undefined, admin), 400, 'invalid_field');
      assertProblem(await call('PATCH', '/api/admin/users/jane%40example.com', { firstName: 'x' }, admin), 404, 'unknown_user');
      const before = (await log(c)).entries;
      assert.deepEqual(before.slice(0, 3).map((e) => [e.action, e.targetId, e.outcome]), [
        ['user.update', null, 'unknown_user'],
        ['export.users', null, 'invalid_field'],
        ['user.update', null, 'unknown_user'],
      ]);
      assertProblem(await call('PATCH', '/api/admin/settings', { name: 'x' }, { 'x-admin-id': 'wrong' }), 401, 'invalid_key');
      assertProblem(await call('PATCH', '/api/admin/settings', { name: 'x' }, { 'x-admin-id': c.serverKey }), 403, 'wrong_scope');
      assert.deepEqual((await log(c)).entries, before);
    });

    test('has the exports, by their ids, and what the operator did to the keys', async () => {
      const c = await newCompany(trackMate());
      const exported = [];
      for (const kind of ['users', 'events']) {
        const answer = await fetch(`${trackMate().url}/api/admin/export/${kind}/csv`, { headers: c.admin });
        exported.push([`export.${kind}`, answer.headers.get('x-export-id'), 'admin']);
        await answer.text();
      }
      const path = `/api/operator/companies/${c.companyId}/keys`;
      const { key } = (await c.call('POST', path, { scope: 'admin' }, operator())).body;
      await c.call('DELETE', `${path}/${key.id}`, undefined, operator());
      const { entries } = await log(c);
      assert.deepEqual(entries.slice(0, 4).map((e) => [e.action, e.targetId, e.actor]), [['key.revoke', key.id, 'operator'], ['key.create', key.id, 'operator'], ...exported.reverse()]);
    });

    test('is walked by cursor and narrowed by action and time', async () => {
      const c = await newCompany(trackMate());
      for (let n = 0; n < 7; n += 1) await c.call('PATCH', '/api/admin/settings', { name: `n${n}` }, c.admin);
      await c.subscribe('https://crm.example/hook', ['nothing.ever']);
      const all = (await log(c)).entries;
      const walked = [];
      for (let cursor = ''; cursor !== null; ) {
        const page = await log(c, `?limit=2&cursor=${cursor}`);
        walked.push(...page.entries);
        cursor = page.pagination.nextCursor;
      }
      assert.deepEqual(walked, all);
      assert.equal((await log(c, '?action=settings.update')).entries.length, 7);
      const middle = all[4].at;
      const since = (await log(c, `?since=${middle}`)).entries;
      const until = (await log(c, `?until=${middle}`)).entries;
      assert.deepEqual([...since, ...until], all);
      assert.ok(since.every((e) => e.at >= middle) && until.every((e) => e.at < middle) && since.length > 0);
      assert.deepEqual((await log(c, `?since=${middle}&limit=500`)).pagination.nextCursor, null);
      assertProblem(await c.call('GET', '/api/admin/audit?action=nothing', undefined, c.admin), 400, 'invalid_field', 'action');
      assertProblem(await c.call('GET', '/api/admin/audit?since=x', undefined, c.admin), 400, 'invalid_timestamp', 'since');
    });

    test('and the list of exports go back 400 days', async () => {
      const c = await newCompany(trackMate());
      await (await fetch(`${trackMate().url}/api/admin/export/users/csv`, { headers: c.admin })).text();
      const d1 = await trackMate().d1();
      const old = Date.now() - 401 * 86_400_000;
      await d1.prepare("update audit set at = ? where company = ? and action = 'company.create'").bind(old, c.companyId).run();
      await trackMate().sweep();
      assert.deepEqual((await log(c)).entries.map((e) => e.action), ['export.users']);
      assert.equal((await c.get('/api/admin/exports')).body.exports.length, 1);
      await d1.prepare('update exports set started_at = ? where company = ?').bind(old, c.companyId).run();
      await trackMate().sweep();
      assert.deepEqual((await c.get('/api/admin/exports')).body.exports, []);
    });
  });
