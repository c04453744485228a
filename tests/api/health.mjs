// Whether the deployment works, as monitors ask: /healthz, /readyz, and the version in every answer.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

const ROOT = new URL('../../', import.meta.url);
const VERSION = /^version = "(.+)"$/m.exec(readFileSync(new URL('Cargo.toml', ROOT), 'utf8'))[1];
const MIGRATIONS = readdirSync(new URL('edge/migrations', ROOT)).sort();
const SCHEMA = Number(MIGRATIONS.at(-1).split('_')[0]);

export default (trackMate) =>
  describe('health', () => {
    const ask = (path) => trackMate().call('GET', path);
    const trips = async () => Number(/\btrips=(\d+)/.exec((await ask('/healthz')).headers.get('x-isolate'))[1]);

    test('/healthz says version and schema, and reads nothing', async () => {
      const { status, body, cost } = await ask('/healthz');
      assert.deepEqual([status, body, cost.trips], [200, { success: true, version: VERSION, schema: SCHEMA }, 0]);
    });

    test('every answer of the API says the version that made it', async () => {
      const c = await newCompany(trackMate());
      const requests = [
        ['GET', '/healthz'], ['GET', '/readyz'], ['GET', '/api/nothing'], ['PUT', '/api/events'], ['OPTIONS', '/api/events'],
        ['GET', '/api/admin/users'], ['GET', '/api/admin/users', c.admin], ['GET', '/api/admin/export/users/csv', c.admin],
      ];
      for (const [method, path, headers] of requests) {
        const answer = await fetch(trackMate().url + path, { method, headers });
        assert.equal(answer.headers.get('x-trackmate-version'), VERSION, `${method} ${path}`);
        await answer.body?.cancel();
      }
    });

    test('/readyz is 200 while the database has the schema of the code or a newer one, and 503 while it lacks a migration', async () => {
      const d1 = await trackMate().d1();
      const ready = { success: true, version: VERSION, schema: SCHEMA, databaseSchema: SCHEMA };
      await until('the database is ready', async () => (await ask('/readyz')).status === 200);
      assert.deepEqual((await ask('/readyz')).body, ready);
      const rename = (to, from) => d1.prepare('update d1_migrations set name = ?1 where name = ?2').bind(to, from).run();
      const newest = MIGRATIONS.at(-1);
      try {
        await rename('0000_missing.sql', newest);
        const refused = await until('the isolate looks again', async () => {
          const answer = await ask('/readyz');
          return answer.status === 503 && answer;
        });
        assertProblem(refused, 503, 'schema_outdated');
        assert.equal(refused.headers.get('retry-after'), '10');
        assert.match(refused.body.message, new RegExp(`schema ${SCHEMA - 1}, .*needs ${SCHEMA}`));
        await rename('9000_newer.sql', '0000_missing.sql');
        const newer = async () => (await ask('/readyz')).body.databaseSchema === 9000;
        await until('a newer schema is as good', newer);
      } finally {
        await d1.prepare("update d1_migrations set name = ?1 where name in ('0000_missing.sql', '9000_newer.sql')").bind(newest).run();
      }
      await until('the database is ready again', async () => (await ask('/readyz')).body.databaseSchema === SCHEMA);
    });

    test('a thousand strangers who ask /readyz cost D1 a few questions', async () => {
      const before = await trips();
      const started = Date.now();
      for (let n = 0; n < 20; n += 1) await Promise.all(Array.from({ length: 50 }, () => ask('/readyz')));
      const asked = (await trips()) - before;
      const looks = 1 + Math.ceil((Date.now() - started) / 5000);
      // Other tests of this Worker may still be settling deliveries.
      assert.ok(asked <= looks + 20, `${asked} questions in ${looks} periods`);
    });
  });
