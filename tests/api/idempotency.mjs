// `Idempotency-Key`: a request that is sent again is done once, and gets its first answer again.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const DAY_MS = 24 * 60 * 60 * 1000;
const KEYS = '/api/admin/keys';
const WEBHOOKS = '/api/admin/webhooks';
const COMPANIES = '/api/operator/companies';
const HOOK = { name: 'CRM', url: 'https://crm.example/hook', events: ['*'], rateLimit: 0, headers: { Authorization: 'Bearer x' }, description: '' };

export default (trackMate) =>
  describe('an Idempotency-Key', () => {
    const operator = () => ({ authorization: `Bearer ${trackMate().operatorKey}` });
    const withKey = (headers, key = randomUUID()) => ({ ...headers, 'idempotency-key': key });
    const isReplayed = (answer) => answer.headers.get('idempotency-replayed') === 'true';
    const run = async (sql, ...values) => (await trackMate().d1()).prepare(sql).bind(...values).run();
    const all = async (sql, ...values) => (await (await trackMate().d1()).prepare(sql).bind(...values).all()).results;
    const stored = (company) => all('select * from idempotency_keys where company = ?1', company);
    /** Moves the stored requests of a company into the past. */
    const age = (company, ms) => run('update idempotency_keys set at = at - ?2 where company = ?1', company, ms);

    /** Sends a request as bytes → {status, text, headers, body}. */
    async function send(path, body, headers, method = 'POST') {
      const response = await fetch(trackMate().url + path, { method, headers: { connection: 'close', ...headers }, body });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: text.startsWith('{') ? JSON.parse(text) : text };
    }

    /** Sends a request twice, and asserts that the second answer is the first. Returns it. */
    async function sendTwice(path, body, headers) {
      const [first, second] = [await send(path, body, headers), await send(path, body, headers)];
      assert.deepEqual([second.status, second.text], [first.status, first.text]);
      assert.deepEqual([isReplayed(first), isReplayed(second)], [false, true]);
      assert.equal(second.headers.get('content-type'), first.headers.get('content-type'));
      assert.notEqual(second.headers.get('x-request-id'), first.headers.get('x-request-id'));
      return first;
    }

    test('gives a repeated request the first answer byte for byte, and creates one thing', async () => {
      const c = await newCompany(trackMate());
      const webhook = await sendTwice(WEBHOOKS, JSON.stringify(HOOK), withKey(c.admin));
      assert.match(webhook.body.webhook.secret, /^whsec_/);
      const { webhooks } = (await c.get(WEBHOOKS)).body;
      const { secret, ...shown } = webhook.body.webhook;
      assert.deepEqual(webhooks, [shown], 'the answer shows the webhook as it is');
      const key = (await sendTwice(KEYS, '{"scope":"server","name":"backend"}', withKey(c.admin))).body.key;
      assert.equal((await c.get(KEYS)).body.keys.filter(({ name }) => name === 'backend').length, 1);
      assert.equal((await c.tryServer({ eventType: 'x' }, { 'x-trackmate-api-key': key.key })).status, 200);
      const created = (await sendTwice(COMPANIES, '{"name":"Twice"}', withKey(operator()))).body;
      assert.equal((await all('select 1 from companies where name = ?1', 'Twice')).length, 1);
      await sendTwice(`${COMPANIES}/${created.company.id}/keys`, '{"scope":"admin","name":"ops"}', withKey(operator()));
      assert.equal((await all("select 1 from keys where company = ?1 and name = 'ops'", created.company.id)).length, 1);
      const listed = (await c.call('GET', WEBHOOKS, undefined, { 'x-admin-id': created.keys.admin.key })).body;
      assert.deepEqual(listed.webhooks, []);
    });

    test('works on every other POST of an admin that changes something', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const { id } = await c.subscribe(`${receiver.url}/hook`, ['paid']);
      const [one, two] = await Promise.all(['one@example.com', 'two@example.com'].map(async (email) => (await c.server({ email }, 'paid')).body.profileId));
      const delivery = await until('a delivery', async () => (await c.deliveries(id)).find((d) => d.status === 'delivered'));
      const twice = (path, body) => sendTwice(path, JSON.stringify(body), withKey(c.admin));
      const received = () => receiver.requests.length;
      const before = received();
      await twice(`${WEBHOOKS}/${id}/test`, {});
      await twice(`${WEBHOOKS}/${id}/deliveries/${delivery.id}/resend`, {});
      await until('the test and the delivery', () => received() === before + 2);
      const { secret } = (await twice(`${WEBHOOKS}/${id}/rotate-secret`, {})).body.webhook;
      assert.match(secret, /^whsec_/);
      await twice(`${WEBHOOKS}/${id}/recover`, { since: new Date(Date.now() - 60_000).toISOString() });
      await twice(`/api/admin/users/${one}/tags`, { tags: ['vip'] });
      assert.equal((await twice('/api/admin/identity/merge', { into: one, from: two })).status, 200);
      assert.equal((await twice('/api/admin/identity/undo', { profileId: two })).text.includes('"success"'), true);
      assert.equal(received(), before + 2);
    });

    test('lets one of 20 requests at once run, and creates one thing', async () => {
      const c = await newCompany(trackMate());
      const headers = withKey(c.admin);
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(KEYS, '{"scope":"server","name":"twin"}', headers)));
      const done = answers.filter(({ status }) => status === 200);
      assert.ok(done.length >= 1);
      assert.equal(new Set(done.map(({ text }) => text)).size, 1);
      assert.equal(done.filter((answer) => !isReplayed(answer)).length, 1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        assertProblem(answer, 409, 'idempotency_key_in_use');
        assert.equal(answer.headers.get('retry-after'), '1');
      }
      assert.equal((await c.get(KEYS)).body.keys.filter(({ name }) => name === 'twin').length, 1);
      assert.equal((await send(KEYS, '{"scope":"server","name":"twin"}', headers)).text, done[0].text);
    });

    test('is refused with another body or path, and is read as a plain text and as a quoted one', async () => {
      const c = await newCompany(trackMate());
      const key = randomUUID();
      const first = await send(KEYS, '{"scope":"server"}', withKey(c.admin, key));
      assertProblem(await send(KEYS, '{"scope":"admin"}', withKey(c.admin, key)), 422, 'idempotency_key_reused');
      assertProblem(await send(KEYS, '{"scope": "server"}', withKey(c.admin, key)), 422, 'idempotency_key_reused');
      assertProblem(await send(`${WEBHOOKS}/wh_x/test`, '{"scope":"server"}', withKey(c.admin, key)), 422, 'idempotency_key_reused');
      assert.equal((await send(KEYS, '{"scope":"server"}', withKey(c.admin, `"${key}"`))).text, first.text);
      const { entries } = (await c.get('/api/admin/audit')).body;
      assert.deepEqual(entries.map(({ action, outcome }) => [action, outcome]), [['key.create', 'ok'], ['company.create', 'ok']], 'what did nothing is not in the audit log');
    });

    test('of 256 characters, empty or not of visible ASCII is refused, and the request does nothing', async () => {
      const c = await newCompany(trackMate());
      for (const key of ['', ' ', '""', 'k'.repeat(256), 'a b', '"a', 'a, b']) {
        assertProblem(await send(KEYS, '{"scope":"server"}', withKey(c.admin, key)), 400, 'invalid_field', 'Idempotency-Key');
      }
      assert.equal((await c.get(KEYS)).body.keys.length, 2);
      assert.equal((await send(KEYS, '{"scope":"server"}', withKey(c.admin, 'k'.repeat(255)))).status, 200);
      assert.deepEqual(await stored(c.companyId).then((rows) => rows.length), 1);
    });

    test('of one company is not that of another company or the operator, and nobody else gets the answer', async () => {
      const [a, b] = [await newCompany(trackMate()), await newCompany(trackMate())];
      const key = randomUUID();
      const body = '{"scope":"server","name":"same"}';
      const one = await send(KEYS, body, withKey(a.admin, key));
      const other = await send(KEYS, body, withKey(b.admin, key));
      const ops = await send(`${COMPANIES}/${a.companyId}/keys`, body, withKey(operator(), key));
      for (const answer of [one, other, ops]) assert.deepEqual([answer.status, isReplayed(answer)], [200, false]);
      assert.equal(new Set([one, other, ops].map((answer) => answer.body.key.key)).size, 3);
      assertProblem(await send(KEYS, body, withKey({}, key)), 401, 'missing_key');
      assertProblem(await send(KEYS, body, withKey({ 'x-admin-id': a.serverKey }, key)), 403, 'wrong_scope');
      assert.equal((await stored(b.companyId)).length, 1);
    });

    test('shows a secret again to the same admin only, and D1 has neither the secret, the key nor the body', async () => {
      const c = await newCompany(trackMate());
      const key = `order-of-${randomUUID()}`;
      const { webhook } = (await sendTwice(WEBHOOKS, JSON.stringify({ ...HOOK, name: 'secretly' }), withKey(c.admin, key))).body;
      const made = (await sendTwice(KEYS, '{"scope":"admin"}', withKey(c.admin))).body.key;
      const rows = await stored(c.companyId);
      assert.equal(rows.length, 2);
      const text = JSON.stringify(rows);
      for (const plain of [webhook.secret, webhook.secret.slice(6), made.key, webhook.id, key, 'secretly', 'success']) {
        assert.ok(!text.includes(plain), `${plain} is stored`);
        for (const { answer } of rows) assert.ok(!Buffer.from(answer.replace('sealed1:', ''), 'base64').includes(plain), `${plain} is stored`);
      }
      for (const { answer } of rows) assert.match(answer, /^sealed1:/);
    });

    test('of more than a day ago runs anew, and the sweep deletes it', async () => {
      const c = await newCompany(trackMate());
      const headers = withKey(c.admin);
      const first = await send(KEYS, '{"scope":"server"}', headers);
      await age(c.companyId, DAY_MS - 60_000);
      assert.equal((await send(KEYS, '{"scope":"server"}', headers)).text, first.text, 'still there within the day');
      await age(c.companyId, 61_000);
      const second = await send(KEYS, '{"scope":"server"}', headers);
      assert.deepEqual([second.status, isReplayed(second)], [200, false]);
      assert.notEqual(second.body.key.key, first.body.key.key);
      await send(KEYS, '{"scope":"server"}', withKey(c.admin));
      await run('update idempotency_keys set at = at - ?2 where company = ?1 and marker = (select max(marker) from idempotency_keys where company = ?1)', c.companyId, DAY_MS + 1);
      await trackMate().sweep();
      await until('one key is left', async () => (await stored(c.companyId)).length === 1);
    });

    test('of a request that TrackMate failed to do, or could not do just now, is free again', async () => {
      const c = await newCompany(trackMate());
      for (const [error, status, code] of [['broken', 500, 'internal'], ['D1 DB is overloaded', 503, 'unavailable']]) {
        const headers = withKey(c.admin);
        const name = `${code} ${c.companyId}`;
        const body = JSON.stringify({ scope: 'server', name });
        await run(`create trigger broken_key before insert on keys when new.name = '${name}' begin select raise(abort, '${error}'); end`);
        try {
          assertProblem(await send(KEYS, body, headers), status, code);
          assert.deepEqual(await stored(c.companyId), []);
        } finally {
          await run('drop trigger broken_key');
        }
        const second = await send(KEYS, body, headers);
        assert.deepEqual([second.status, isReplayed(second)], [200, false]);
        await run('delete from idempotency_keys where company = ?1', c.companyId);
      }
    });

    test('of a request that was refused gets the same refusal', async () => {
      const c = await newCompany(trackMate());
      const headers = withKey(c.admin);
      const first = await sendTwice(KEYS, '{"scope":"root"}', headers);
      assertProblem(first, 400, 'invalid_field', 'scope');
      assertProblem(await send(KEYS, '{"scope":"server"}', headers), 422, 'idempotency_key_reused');
      await sendTwice('/api/admin/users/nobody/tags', '{"tags":["vip"]}', withKey(c.admin));
    });

    test('whose request died is in use for a minute, and then runs', async () => {
      const c = await newCompany(trackMate());
      const headers = withKey(c.admin);
      const body = '{"scope":"server","name":"died"}';
      await send(KEYS, body, headers);
      // As a Worker leaves it that died after the claim.
      await run('delete from keys where company = ?1 and name = ?2', c.companyId, 'died');
      await run('update idempotency_keys set status = null, answer = null where company = ?1', c.companyId);
      assertProblem(await send(KEYS, body, headers), 409, 'idempotency_key_in_use');
      await age(c.companyId, 61_000);
      const second = await send(KEYS, body, headers);
      assert.deepEqual([second.status, isReplayed(second)], [200, false]);
      assert.equal((await c.get(KEYS)).body.keys.filter(({ name }) => name === 'died').length, 1);
    });

    test('of a slow request whose repeat runs already creates nothing', async () => {
      const c = await newCompany(trackMate());
      // Another request claims the key while this one runs.
      const steal = "create trigger stolen before insert on keys when new.name = 'slow' begin update idempotency_keys set marker = marker + 1 where company = new.company; end";
      await run(steal);
      try {
        assertProblem(await send(KEYS, '{"scope":"server","name":"slow"}', withKey(c.admin)), 500, 'internal');
      } finally {
        await run('drop trigger stolen');
      }
      assert.equal((await c.get(KEYS)).body.keys.length, 2);
    });

    test('whose answer is too large, or may show somebody who was erased since, is done once and conflicts', async () => {
      const c = await newCompany(trackMate());
      const { profileId } = (await c.server({ email: 'erased@example.com' }, 'x')).body;
      const large = (await c.server({ email: 'large@example.com' }, 'x')).body.profileId;
      const customFields = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, 'x'.repeat(1000)]));
      assert.equal((await c.call('PATCH', `/api/admin/users/${large}`, { customFields }, c.admin)).status, 200);
      const headers = withKey(c.admin);
      assert.equal((await send(`/api/admin/users/${large}/tags`, '{"tags":["big"]}', headers)).status, 200);
      assertProblem(await send(`/api/admin/users/${large}/tags`, '{"tags":["big"]}', headers), 409, 'conflict');
      const tags = [`/api/admin/users/${profileId}/tags`, '{"tags":["vip"]}', withKey(c.admin)];
      assert.ok((await sendTwice(...tags)).text.includes('erased@example.com'));
      const salt = async () => (await all('select answers_salt from companies where id = ?1', c.companyId))[0].answers_salt;
      const before = await salt();
      assert.equal(before.length, 64);
      assert.equal((await c.call('DELETE', `/api/admin/users/${profileId}`, undefined, c.admin)).status, 200);
      assert.equal(await salt(), null);
      assertProblem(await send(...tags), 409, 'conflict');
      await sendTwice(KEYS, '{"scope":"server"}', withKey(c.admin));
      assert.notEqual(await salt(), before);
    });

    test('beyond the most of a company is refused, and costs no other company anything', async () => {
      const [c, other] = [await newCompany(trackMate()), await newCompany(trackMate())];
      const headers = withKey(c.admin);
      const first = await send(KEYS, '{"scope":"server"}', headers);
      const fill = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 4999) insert into idempotency_keys (company, key, request, marker, at) select ?1, 'k' || i, '', 0, ?2 from n";
      await run(fill, c.companyId, Date.now());
      assertProblem(await send(KEYS, '{"scope":"server"}', withKey(c.admin)), 409, 'limit_reached');
      assert.equal((await send(KEYS, '{"scope":"server"}', headers)).text, first.text);
      assert.equal((await send(KEYS, '{"scope":"server"}', c.admin)).status, 200, 'without a key it goes on');
      assert.equal((await send(KEYS, '{"scope":"server"}', withKey(other.admin))).status, 200);
      await run("delete from idempotency_keys where company = ?1 and key like 'k%'", c.companyId);
    });

    test('is ignored by other methods and by what changes nothing, and costs two trips and four rows on the others alone', async () => {
      const c = await newCompany(trackMate());
      const headers = withKey(c.admin);
      const made = await c.call('POST', KEYS, { scope: 'server' }, headers);
      const plain = await c.call('POST', KEYS, { scope: 'server' }, c.admin);
      assert.equal(made.cost.trips, plain.cost.trips + 1, 'the answer is stored with the key that it shows');
      const { profileId } = (await c.server({ email: 'trips@example.com' }, 'x')).body;
      const [without, tagged] = [await c.call('POST', `/api/admin/users/${profileId}/tags`, { tags: ['a'] }, c.admin), await c.call('POST', `/api/admin/users/${profileId}/tags`, { tags: ['b'] }, withKey(c.admin))];
      assert.equal(tagged.cost.trips, without.cost.trips + 2);
      assert.ok(tagged.cost.written <= without.cost.written + 4);
      const rows = (await stored(c.companyId)).length;
      for (const key of [headers['idempotency-key'], '', 'k'.repeat(256)]) {
        assert.equal((await c.call('GET', KEYS, undefined, withKey(c.admin, key))).status, 200);
        assert.equal((await c.call('PATCH', '/api/admin/settings', { name: 'New' }, withKey(c.admin, key))).status, 200);
        assert.equal((await c.call('POST', '/api/admin/plan/check', { events: [] }, withKey(c.admin, key))).headers.get('idempotency-replayed'), null);
      }
      assert.equal((await c.call('DELETE', `${KEYS}/${made.body.key.id}`, undefined, headers)).status, 200);
      assert.equal((await stored(c.companyId)).length, rows);
    });
  });
