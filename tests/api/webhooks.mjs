// /api/admin/webhooks: what an owner can do to a subscription, and what is held, retried, recovered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from '../support/receiver.mjs';
import { newWebhook } from '../support/webhook.mjs';

export default (trackMate) =>
  describe('webhooks', () => {
    const world = (t, wanted) => newWebhook(t, trackMate(), wanted);

    test('send their own headers, whose values are never shown again', async (t) => {
      const w = await world(t, { headers: { Authorization: 'Bearer s3cret', 'X-Webhook-Secret': 'hush' } });
      assert.deepEqual(w.webhook.headers, { authorization: '***', 'x-webhook-secret': '***' });
      await w.send('a');
      await until('a delivery', () => w.receiver.requests.length === 1);
      assert.equal(w.receiver.requests[0].headers.authorization, 'Bearer s3cret');
      assert.equal(w.receiver.requests[0].headers['x-webhook-secret'], 'hush');
      const { body } = await w.patch({ headers: { Authorization: null, 'X-New': 'n' } });
      assert.deepEqual(body.webhook.headers, { 'x-new': '***', 'x-webhook-secret': '***' });
      await w.send('b');
      await until('another', () => w.receiver.requests.length === 2);
      assert.deepEqual([w.receiver.requests[1].headers.authorization, w.receiver.requests[1].headers['x-new']], [undefined, 'n']);
      assert.ok(!JSON.stringify([body, await w.state()]).match(/s3cret|hush|whsec_/));
      assertProblem(await w.patch({ headers: { Host: 'evil' } }), 400, 'invalid_field', 'headers');
    });

    test('hold what comes while they are off, and send it once they are on', async (t) => {
      const w = await world(t);
      assert.equal((await w.patch({ active: false })).body.webhook.active, false);
      for (const name of ['a', 'b', 'c']) await w.send(name);
      assert.equal((await w.state()).stats.held, 3);
      assert.equal((await w.c.get(w.at('/deliveries?status=held'))).body.deliveries.length, 3);
      assert.equal(w.receiver.requests.length, 0);
      await w.patch({ active: true });
      await until('what was held', () => w.receiver.requests.length === 3);
      await w.ended('delivered', 3);
      assert.deepEqual((await w.state()).stats.held, 0);
    });

    test('dismiss what was held when their owner says so, and nothing that came later', async (t) => {
      const w = await world(t);
      await w.patch({ active: false });
      await w.send('old');
      await w.patch({ active: true, held: 'dismiss' });
      await w.send('new');
      await w.ended('dismissed');
      await w.ended('delivered');
      assert.deepEqual(w.receiver.requests.map((r) => r.json.event), ['new']);
    });

    test('are all off and on by one switch of the company', async (t) => {
      const w = await world(t);
      const set = (webhooksEnabled) => w.c.call('PATCH', '/api/admin/settings', { webhooksEnabled }, w.c.admin);
      assert.equal((await set(false)).body.settings.webhooksEnabled, false);
      await w.send('held');
      assert.equal((await w.state()).stats.held, 1);
      await set(true);
      await until('what was held', () => w.receiver.requests.length === 1);
    });

    test('hold a retry too when they are switched off in between', async (t) => {
      const w = await world(t, { answer: (_, n) => (n === 1 ? 503 : 200), retryDelay: 3600 });
      await w.send('retried');
      await until('the first attempt', async () => (await w.c.deliveries(w.webhook.id))[0]?.attempts.length === 1);
      await w.patch({ active: false });
      // As if the hour were over.
      await w.d1.prepare('update deliveries set due_at = 1 where subscription = ?1').bind(w.webhook.id).run();
      await trackMate().sweep();
      await w.ended('held');
      assert.equal(w.receiver.requests.length, 1);
      await w.patch({ active: true });
      await w.ended('delivered');
    });

    test('have policies by name or by their own values', async (t) => {
      const w = await world(t);
      const policy = ({ preset, retryAttempts, retryDelay, timeoutMs }) => [preset, retryAttempts, retryDelay, timeoutMs];
      for (const [change, expected] of [
        [{ preset: 'funnel' }, ['funnel', 3, 1, 30_000]],
        [{ preset: 'standard' }, ['standard', 10, 5, 15_000]],
        [{ preset: 'crm' }, ['crm', 3, 60, 10_000]],
        [{ retryAttempts: 7 }, [null, 7, 60, 10_000]],
        [{ name: 'Renamed' }, [null, 7, 60, 10_000]],
      ]) {
        assert.deepEqual(policy((await w.patch(change)).body.webhook), expected);
      }
      assertProblem(await w.patch({ preset: 'eager' }), 400, 'invalid_field', 'preset');
      assertProblem(await w.patch({ preset: 'crm', retryAttempts: 5 }), 400, 'invalid_field', 'preset');
    });

    test('have as many headers as one webhook may have, by however many requests they are set', async (t) => {
      const w = await world(t);
      const headers = (from, count, value = 'x') => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-h${from + n}`, value]));
      assert.equal((await w.patch({ headers: headers(0, 15) })).status, 200);
      assertProblem(await w.patch({ headers: headers(15, 6) }), 400, 'invalid_field', 'headers');
      assert.equal((await w.patch({ headers: { ...headers(0, 5, null), ...headers(15, 10) } })).status, 200);
      assert.equal(Object.keys((await w.state()).headers).length, 20);
      // From before there was a bound: they may become fewer.
      await w.set(`headers = '${JSON.stringify(headers(0, 40))}'`);
      assertProblem(await w.patch({ headers: headers(40, 1) }), 400, 'invalid_field', 'headers');
      assert.equal((await w.patch({ headers: headers(0, 15, null) })).status, 200);
      assert.equal(Object.keys((await w.state()).headers).length, 25);
    });

    test('have their URL in its normal form', async (t) => {
      const w = await world(t);
      const changed = async (url) => (await w.patch({ url })).body.webhook.url;
      assert.equal(await changed('HTTPS://CRM.Example:443/a/../b c'), 'https://crm.example/b%20c');
      for (const url of ['https://crm.example/\r\nx', 'https://crm.example/\tx', 'https://crm.example/\u0000x']) {
        assertProblem(await w.patch({ url }), 400, 'invalid_url', 'url');
      }
    });

    test('sign with both secrets while a rotation lasts', async (t) => {
      const w = await world(t);
      const rotated = (await w.post('/rotate-secret', { graceHours: 1 })).body.webhook;
      assert.notEqual(rotated.secret, w.webhook.secret);
      await w.send('a');
      await until('a delivery', () => w.receiver.requests.length === 1);
      const [request] = w.receiver.requests;
      assert.ok(isSigned(request, rotated.secret));
      const signatures = request.headers['webhook-signature'].split(' ');
      assert.equal(signatures.length, 2);
      for (const [n, secret] of [rotated.secret, w.webhook.secret].entries()) {
        assert.ok(isStandardSigned({ ...request, headers: { ...request.headers, 'webhook-signature': signatures[n] } }, secret));
      }
      // Another grace would push the first secret out of its own.
      assertProblem(await w.post('/rotate-secret', { graceHours: 1 }), 409, 'conflict');
      const final = (await w.post('/rotate-secret', { graceHours: 0 })).body.webhook;
      await w.send('b');
      await until('another', () => w.receiver.requests.length === 2);
      assert.ok(isStandardSigned(w.receiver.requests[1], final.secret));
      assert.equal(w.receiver.requests[1].headers['x-webhook-signature-previous'], undefined);
    });

    test('are accepted by the libraries that receivers use, also across a rotation', async (t) => {
      const w = await world(t);
      const accepts = (request, secret) =>
        [StandardWebhook, SvixWebhook].map((Library) => {
          try {
            new Library(secret).verify(String(request.body), request.headers);
            return 'accepted';
          } catch (error) {
            return error.message;
          }
        });
      await w.send('before');
      await until('a delivery', () => w.receiver.requests.length === 1);
      const rotated = (await w.post('/rotate-secret', { graceHours: 1 })).body.webhook;
      await w.send('after');
      await until('another', () => w.receiver.requests.length === 2);
      const [before, after] = w.receiver.requests;
      assert.deepEqual(accepts(before, w.webhook.secret), ['accepted', 'accepted']);
      assert.deepEqual(accepts(after, w.webhook.secret), ['accepted', 'accepted']);
      assert.deepEqual(accepts(after, rotated.secret), ['accepted', 'accepted']);
      assert.ok(!accepts(before, rotated.secret).includes('accepted'), 'a secret that came later does not verify');
    });

    test('have their old secret erased when the grace ends', async (t) => {
      const w = await world(t);
      await w.post('/rotate-secret', { graceHours: 1 });
      const d1 = await trackMate().d1();
      const secrets = () => d1.prepare('select old_secret from subscriptions where id = ?1').bind(w.webhook.id).first('old_secret');
      assert.match(await secrets(), /^sealed1:/);
      await d1.prepare('update subscriptions set old_secret_until = 1 where id = ?1').bind(w.webhook.id).run();
      await trackMate().sweep();
      assert.equal(await secrets(), null);
    });

    test('are tested on request, with the outcome in the answer', async (t) => {
      const w = await world(t, { answer: (_, n) => (n === 1 ? 200 : { status: 418, body: 'teapot' }), headers: { 'X-Token': 'kept' } });
      const good = (await w.post('/test')).body;
      assert.deepEqual([good.delivered, good.statusCode, good.error, good.responseBody], [true, 200, null, 'ok']);
      const [request] = w.receiver.requests;
      assert.equal(request.json.event, 'webhook.test');
      // In the form of all deliveries, so that what reads those reads it.
      assert.deepEqual([Object.keys(request.json), Object.keys(request.json.metadata)], [['event', 'timestamp', 'data', 'metadata'], ['source', 'action', 'messageId', 'sessionId', 'userId']]);
      assert.ok(isSigned(request, w.webhook.secret) && isStandardSigned(request, w.webhook.secret));
      // What was sent is in the answer, but for what the owner keeps to themselves.
      assert.deepEqual([good.request.url, good.request.body], [`${w.receiver.url}/hook`, String(request.body)]);
      for (const [name, value] of Object.entries(good.request.headers)) assert.equal(value, name === 'x-token' ? '***' : request.headers[name], name);
      assert.equal(request.headers['x-token'], 'kept');
      assert.ok(['content-type', 'user-agent', 'webhook-id', 'webhook-signature', 'webhook-timestamp', 'x-token', 'x-webhook-signature'].every((name) => name in good.request.headers));
      const bad = (await w.post('/test')).body;
      assert.deepEqual([bad.success, bad.delivered, bad.statusCode, bad.responseBody], [true, false, 418, 'teapot']);
    });

    test('recover a window of what was given up, once', async (t) => {
      let healed = false;
      const w = await world(t, { answer: () => (healed ? 200 : 400), events: ['e.*'] });
      for (let n = 0; n < 5; n += 1) await w.send(`e.${n}`);
      await w.ended('failed_permanent', 5);
      healed = true;
      const since = new Date(Date.now() - 3_600_000).toISOString();
      assert.deepEqual((await w.post('/recover', { since, status: 'exhausted' })).body, { success: true, requeued: 0, hasMore: false, nextCursor: null });
      assert.deepEqual((await w.post('/recover', { since })).body, { success: true, requeued: 5, hasMore: false, nextCursor: null });
      await w.ended('delivered', 5);
      assert.deepEqual((await w.post('/recover', { since })).body.requeued, 0);
      assert.equal(w.receiver.requests.length, 10);
      const ids = w.receiver.requests.map((r) => r.headers['webhook-id']);
      assert.equal(new Set(ids).size, 5, 'a recovered delivery keeps its id');
      assertProblem(await w.post('/recover', {}), 400, 'missing_field', 'since');
      assertProblem(await w.post('/recover', { since, status: 'delivered' }), 400, 'invalid_field', 'status');
    });

    test('recover a window larger than one call, each delivery once, though it fails again meanwhile', async (t) => {
      const w = await world(t, { answer: () => 400, events: ['e.*'], retryDelay: 1 });
      for (let n = 0; n < 3; n += 1) await w.c.tryServer({ events: Array.from({ length: 300 }, (_, i) => ({ eventType: `e.${n}-${i}` })) });
      const d1 = await trackMate().d1();
      // Given up an hour ago, without waiting for 900 attempts.
      const old = Date.now() - 3_600_000;
      await d1.prepare("update deliveries set id = format('%012x', ?1) || substr(id, 13), state = 'exhausted', finished_at = ?1, created_at = ?1 where subscription = ?2").bind(old, w.webhook.id).run();
      const steps = [];
      for (let cursor; cursor !== null; ) {
        const { body } = await w.post('/recover', { since: new Date(old - 1000).toISOString(), cursor });
        steps.push(body.requeued);
        // As if all of it had failed again at once.
        await d1.prepare("update deliveries set state = 'failed_permanent', finished_at = ?1 where subscription = ?2 and state in ('pending', 'leased')").bind(Date.now(), w.webhook.id).run();
        cursor = body.nextCursor;
      }
      assert.deepEqual(steps, [500, 400]);
    });

    test('send one delivery again on request, with its id and bytes', async (t) => {
      const w = await world(t);
      await w.send('again');
      const [delivery] = await w.ended('delivered');
      assert.equal((await w.post(`/deliveries/${delivery.id}/resend`)).status, 200);
      await until('twice', () => w.receiver.requests.length === 2);
      const [first, second] = w.receiver.requests;
      assert.deepEqual([second.headers['webhook-id'], String(second.body)], [first.headers['webhook-id'], String(first.body)]);
      const [after] = await until('two attempts', async () => {
        const list = await w.c.deliveries(w.webhook.id);
        return list[0].attempts.length === 2 && list;
      });
      assert.deepEqual(after.attempts.map((a) => a.attempt), [1, 2]);
      assertProblem(await w.post('/deliveries/nothing/resend'), 404, 'not_found');
    });

    test('count what they did, and page through it', async (t) => {
      const w = await world(t, { answer: ({ json }) => (json.event === 'e.bad' ? 400 : 200), events: ['e.*'] });
      for (let n = 0; n < 7; n += 1) await w.send(`e.${n}`);
      await w.send('e.bad');
      await w.ended('delivered', 7);
      await w.ended('failed_permanent');
      const { stats } = await w.state();
      assert.deepEqual([stats.success, stats.failed, stats.held], [7, 1, 0]);
      assert.ok(Date.now() - Date.parse(stats.lastDeliveryAt) < 60_000);
      const walked = [];
      for (let cursor = ''; cursor !== null; ) {
        const { body } = await w.c.get(w.at(`/deliveries?limit=3${cursor && `&cursor=${cursor}`}`));
        walked.push(...body.deliveries.map((d) => d.id));
        cursor = body.pagination.nextCursor;
      }
      assert.deepEqual([walked.length, new Set(walked).size], [8, 8]);
    });

    test('wait as long as a receiver asks', async (t) => {
      const w = await world(t, { answer: (_, n) => (n === 1 ? { status: 429, headers: { 'retry-after': '4' } } : 200) });
      await w.send('a');
      await w.ended('delivered');
      const [first, second] = w.receiver.requests.map((r) => r.at);
      assert.ok(second - first >= 3900, `waited ${second - first} ms`);
    });

    test('whose receiver says it is gone are switched off, and the company is told', async (t) => {
      const w = await world(t, { answer: () => 410, events: ['e.*'] });
      const watcher = await startReceiver();
      t.after(watcher.close);
      await w.c.subscribe(watcher.url, ['webhook.*']);
      await w.send('e.gone');
      const [notice] = await until('the notice', () => watcher.requests.length > 0 && watcher.requests);
      assert.deepEqual([notice.json.event, notice.json.data.webhookId, notice.json.data.event], ['webhook.disabled', w.webhook.id, 'e.gone']);
      const state = await w.state();
      assert.deepEqual([state.active, state.disabledReason], [false, 'the receiver answered 410: it is gone']);
      await w.send('e.later');
      assert.equal((await w.state()).stats.held, 1);
    });

    test('that fail for a day and twenty deliveries are switched off; an outage of an evening is told and recovered from', async (t) => {
      let healed = false;
      const w = await world(t, { answer: () => (healed ? 200 : 400), events: ['e.*'] });
      const watcher = await startReceiver();
      t.after(watcher.close);
      await w.c.subscribe(watcher.url, ['webhook.*']);
      const told = (name) => until(name, () => watcher.requests.find((r) => r.json.event === name));
      for (let n = 0; n < 20; n += 1) await w.send(`e.${n}`);
      await w.ended('failed_permanent', 20);
      await told('webhook.failing');
      assert.equal((await w.state()).active, true);
      const d1 = await trackMate().d1();
      await d1.prepare('update subscriptions set failing_since = 1 where id = ?1').bind(w.webhook.id).run();
      await w.send('e.last');
      await told('webhook.disabled');
      assert.match((await w.state()).disabledReason, /failed 21 times in a row/);
      healed = true;
      await w.patch({ active: true });
      await d1.prepare('update subscriptions set failures = 1 where id = ?1').bind(w.webhook.id).run();
      await w.send('e.healed');
      await told('webhook.recovered');
    });

    test('that are deleted send nothing more', async (t) => {
      const w = await world(t, { answer: () => 503, retryDelay: 1 });
      await w.send('a');
      await until('the first attempt', () => w.receiver.requests.length === 1);
      assert.equal((await w.c.call('DELETE', w.at(), undefined, w.c.admin)).status, 200);
      assertProblem(await w.c.call('GET', w.at(), undefined, w.c.admin), 404, 'not_found');
      assertProblem(await w.c.call('DELETE', w.at(), undefined, w.c.admin), 404, 'not_found');
      const d1 = await trackMate().d1();
      const states = await d1.prepare('select state from deliveries where subscription = ?1').bind(w.webhook.id).all();
      assert.deepEqual(states.results, [{ state: 'dismissed' }]);
    });

    test('of another company cannot be reached by any of these', async (t) => {
      const w = await world(t);
      await w.send('a');
      const [delivery] = await w.ended('delivered');
      const stranger = await newCompany(trackMate());
      const since = '2020-01-01T00:00:00Z';
      for (const [method, path, body] of [
        ['GET', ''],
        ['PATCH', '', { active: false }],
        ['DELETE', ''],
        ['POST', '/test', {}],
        ['POST', '/rotate-secret', {}],
        ['POST', '/recover', { since }],
        ['GET', '/deliveries'],
        ['POST', `/deliveries/${delivery.id}/resend`, {}],
      ]) {
        assertProblem(await stranger.call(method, w.at(path), body, stranger.admin), 404, 'not_found');
        assertProblem(await stranger.call(method, w.at(path), body, { 'x-admin-id': stranger.serverKey }), 403, 'wrong_scope');
        assertProblem(await stranger.call(method, w.at(path), body), 401, 'missing_key');
      }
      assert.equal((await w.state()).active, true);
      assert.equal(w.receiver.requests.length, 1);
    });
  });
