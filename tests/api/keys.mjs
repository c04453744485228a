// A company's own keys: made and shown once, listed, revoked; never the one that asks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('keys', () => {
    const path = '/api/admin/keys';

    test('are made by an admin, shown once, listed with the one that asks, revoked, and entered in the audit log', async () => {
      const c = await newCompany(trackMate());
      const make = async (body) => (await c.call('POST', path, body, c.admin)).body.key;
      const [server, admin] = [await make({ scope: 'server', name: 'backend' }), await make({ scope: 'admin' })];
      assert.deepEqual([server.scope, server.name, server.lastUsedAt, server.revokedAt], ['server', 'backend', null, null]);
      assert.equal((await c.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': server.key })).status, 200);
      const other = { 'x-admin-id': admin.key };
      const { keys } = (await c.call('GET', path, undefined, other)).body;
      assert.equal(keys.length, 4);
      assert.deepEqual(keys.filter((key) => key.current).map((key) => key.id), [admin.id]);
      for (const { key, id, prefix, name, scope } of [server, admin]) {
        const listed = keys.find((k) => k.id === id);
        assert.deepEqual([listed.prefix, listed.name, listed.scope], [prefix, name, scope]);
        assert.ok(key.startsWith(prefix) && !JSON.stringify(keys).includes(key));
      }
      const own = keys.find((key) => c.adminKey.startsWith(key.prefix) && key.id !== admin.id);
      assertProblem(await c.call('DELETE', `${path}/${own.id}`, undefined, c.admin), 409, 'conflict');
      assert.equal((await c.call('DELETE', `${path}/${server.id}`, undefined, c.admin)).status, 200);
      assert.equal((await c.call('DELETE', `${path}/${own.id}`, undefined, other)).status, 200);
      assertProblem(await c.call('GET', path, undefined, c.admin), 401, 'invalid_key');
      assertProblem(await c.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': server.key }), 401, 'invalid_key');
      const left = (await c.call('GET', path, undefined, other)).body.keys;
      assert.deepEqual(left.map((key) => key.revokedAt !== null), [false, false, true, true], 'live ones first');
      const { entries } = (await c.call('GET', '/api/admin/audit?limit=5', undefined, other)).body;
      assert.deepEqual(entries.map((e) => [e.action, e.targetId, e.outcome]), [
        ['key.revoke', own.id, 'ok'], ['key.revoke', server.id, 'ok'], ['key.revoke', own.id, 'conflict'], ['key.create', admin.id, 'ok'], ['key.create', server.id, 'ok'],
      ]);
      assert.doesNotMatch(JSON.stringify(entries), /backend/);
    });

    test('are refused without a scope, with a long name, of others, and beyond a hundred', async () => {
      const c = await newCompany(trackMate());
      const add = (body, headers = c.admin) => c.call('POST', path, body, headers);
      assertProblem(await add({}), 400, 'missing_field', 'scope');
      assertProblem(await add({ scope: 'root' }), 400, 'invalid_field', 'scope');
      assertProblem(await add({ scope: 'server', name: 'x'.repeat(201) }), 400, 'invalid_field', 'name');
      assertProblem(await add({ scope: 'admin' }, { 'x-admin-id': c.serverKey }), 403, 'wrong_scope');
      assertProblem(await c.call('DELETE', `${path}/key_0`, undefined, c.admin), 404, 'not_found');
      await Promise.all(Array.from({ length: 98 }, () => add({ scope: 'server' })));
      assertProblem(await add({ scope: 'server' }), 409, 'limit_reached');
      const operator = { authorization: `Bearer ${trackMate().operatorKey}` };
      assertProblem(await c.call('POST', `/api/operator/companies/${c.companyId}/keys`, { scope: 'admin' }, operator), 409, 'limit_reached');
      const { keys } = (await c.get(path)).body;
      assert.equal(keys.length, 100);
      await c.call('DELETE', `${path}/${keys.find((key) => !key.current).id}`, undefined, c.admin);
      assert.equal((await add({ scope: 'server' })).status, 200, 'a revoked key makes room');
    });
  });
