// Signed deliveries at a real receiver that shares no code with the Worker.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from '../support/receiver.mjs';

export default (trackMate) =>
  describe('deliveries', () => {
    test('of browser, identify and server events arrive signed over their exact bytes', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      const webhook = await c.subscribe(`${receiver.url}/hook`);
      assert.match(webhook.secret, /^whsec_/);
      const session = c.session();
      await c.track(session, { eventType: 'page_view', eventData: { price: 79.99, text: 'é' }, messageId: 'm-1', timestamp: '2025-10-18T10:00:00Z' });
      const { profileId } = (await c.identify(session, 'sarah@example.com')).body;
      await c.server({ email: 'sarah@example.com' }, 'booking.created', { eventData: { id: 'b1' } });
      await until('four deliveries', () => receiver.requests.length === 4);
      for (const request of receiver.requests) {
        assert.ok(isSigned(request, webhook.secret));
        assert.ok(isStandardSigned(request, webhook.secret));
        assert.ok(!isSigned(request, 'whsec_other'));
        assert.match(request.headers['user-agent'], /^TrackMate\/\d/);
        assert.equal(request.headers['content-type'], 'application/json');
      }
      const byName = Object.fromEntries(receiver.requests.map(({ json }) => [json.event, json]));
      assert.deepEqual(Object.keys(byName).toSorted(), ['booking.created', 'page_view', 'user.created', 'user_registered']);
      assert.deepEqual(byName.page_view, {
        event: 'page_view',
        timestamp: '2025-10-18T10:00:00.000Z',
        data: { price: 79.99, text: 'é' },
        metadata: { source: 'browser', action: 'page_view', messageId: 'm-1', sessionId: session, userId: null },
      });
      assert.deepEqual([byName['booking.created'].metadata.action, byName['booking.created'].metadata.userId], ['created', profileId]);
      const log = await until('the log', async () => {
        const deliveries = await c.deliveries(webhook.id);
        return deliveries.every((d) => d.status === 'delivered') && deliveries;
      });
      assert.equal(log.length, 4);
      assert.deepEqual(log.map((d) => d.attempts.map((a) => [a.attempt, a.statusCode, a.success, a.responseBody])), Array(4).fill([[1, 200, true, 'ok']]));
    });

    test('tell of the page and the campaign where the event does, sent at once or after having been held', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      const { id } = await c.subscribe(receiver.url, ['page_view', 'plain', 'paid']);
      const context = { page: { url: 'https://shop.example/', referrer: 'https://search.example/' }, campaign: { source: 'newsletter' } };
      const switched = (active) => c.call('PATCH', `/api/admin/webhooks/${id}`, { active }, c.admin);
      for (const active of [true, false]) {
        await switched(active);
        await c.events(c.session(), [{ eventType: 'page_view' }], { context });
        await c.events(c.session(), [{ eventType: 'plain' }]);
        await c.tryServer({ eventType: 'paid' });
      }
      await switched(true);
      await until('all of them', () => receiver.requests.length === 6);
      for (const { json } of receiver.requests) assert.deepEqual(json.metadata.context, json.event === 'page_view' ? context : undefined);
    });

    test('to a receiver that fails twice arrive at the third attempt, with the same id and bytes', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver((_, n) => (n < 3 ? 503 : 200));
      t.after(receiver.close);
      const webhook = await c.subscribe(receiver.url, ['paid']);
      await c.tryServer({ eventType: 'paid', eventData: { amount: 1 } });
      const [delivery] = await until('delivered', async () => {
        const deliveries = await c.deliveries(webhook.id);
        return deliveries[0]?.status === 'delivered' && deliveries;
      });
      assert.deepEqual(delivery.attempts.map((a) => a.statusCode), [503, 503, 200]);
      assert.deepEqual(delivery.attempts.map((a) => a.error), ['the receiver answered 503', 'the receiver answered 503', null]);
      assert.equal(new Set(receiver.requests.map((r) => r.headers['webhook-id'])).size, 1);
      assert.equal(new Set(receiver.requests.map((r) => String(r.body))).size, 1);
      assert.ok(receiver.requests.every((r) => isSigned(r, webhook.secret)));
      const [first, second, third] = receiver.requests.map((r) => r.at);
      assert.ok(second - first >= 900, `retried after ${second - first} ms`);
      assert.ok(third - second >= 1900, `retried after ${third - second} ms`);
    });

    test('that a receiver refuses are not repeated, and spent ones are kept with their reason', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver(({ path }) => (path === '/no' ? 404 : 500));
      t.after(receiver.close);
      const hooks = {
        no: await c.subscribe(`${receiver.url}/no`),
        broken: await c.subscribe(`${receiver.url}/broken`, ['*'], { retryAttempts: 2 }),
      };
      await c.tryServer({ eventType: 'x' });
      const ended = async (hook) => {
        const [delivery] = await until('an end', async () => {
          const deliveries = await c.deliveries(hook.id);
          return deliveries[0]?.finishedAt && deliveries;
        });
        return [delivery.status, delivery.attempts.map((a) => a.statusCode)];
      };
      assert.deepEqual(await ended(hooks.no), ['failed_permanent', [404]]);
      assert.deepEqual(await ended(hooks.broken), ['exhausted', [500, 500]]);
    });

    test('count as made when the receiver said 200, whatever its body does', async (t) => {
      const c = await newCompany(trackMate());
      const server = createServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'content-type': 'text/plain' }).write('accepted');
      });
      await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
      t.after(() => server.close().closeAllConnections());
      const webhook = await c.subscribe(`http://127.0.0.1:${server.address().port}`, ['*'], { timeoutMs: 3000 });
      await c.tryServer({ eventType: 'x' });
      const [delivery] = await until('an end', async () => {
        const deliveries = await c.deliveries(webhook.id);
        return deliveries[0]?.finishedAt && deliveries;
      });
      assert.deepEqual([delivery.status, delivery.attempts.map((a) => a.statusCode)], ['delivered', [200]]);
    });

    test('go to the subscriptions whose patterns match, and to no other company', async (t) => {
      const c = await newCompany(trackMate());
      const other = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      const paths = { all: ['*'], bookings: ['booking.*'], one: ['qr.scanned', 'booking.created'] };
      for (const [path, events] of Object.entries(paths)) await c.subscribe(`${receiver.url}/${path}`, events);
      await other.subscribe(`${receiver.url}/foreign`);
      await c.tryServer({ events: ['booking.created', 'bookings', 'qr.scanned', 'booking.x.y'].map((eventType) => ({ eventType })) });
      await until('eight deliveries', () => receiver.requests.length >= 8);
      const got = (path) => receiver.requests.filter((r) => r.path === `/${path}`).map((r) => r.json.event).toSorted();
      assert.deepEqual(got('all'), ['booking.created', 'booking.x.y', 'bookings', 'qr.scanned']);
      assert.deepEqual(got('bookings'), ['booking.created', 'booking.x.y']);
      assert.deepEqual(got('one'), ['booking.created', 'qr.scanned']);
      assert.deepEqual(got('foreign'), []);
    });

    test('of a large batch all arrive, once each', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      await c.subscribe(receiver.url);
      await c.tryServer({ events: Array.from({ length: 60 }, (_, n) => ({ eventType: `e${n}` })) });
      await until('sixty deliveries', () => new Set(receiver.requests.map((r) => r.json.event)).size === 60);
      assert.equal(new Set(receiver.requests.map((r) => r.headers['webhook-id'])).size, receiver.requests.length);
    });

    test('that nobody was woken for are found by the sweep', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver((_, n) => (n === 1 ? 500 : 200));
      t.after(receiver.close);
      const webhook = await c.subscribe(receiver.url, ['*'], { retryDelay: 3600 });
      await c.tryServer({ eventType: 'stranded' });
      await until('the first attempt', async () => (await c.deliveries(webhook.id))[0]?.attempts.length === 1);
      const d1 = await trackMate().d1();
      // As after a crash: leased by an invocation that is no more, its lease run out.
      await d1.prepare("update deliveries set state = 'leased', due_at = 1 where company = ?1").bind(c.companyId).run();
      await trackMate().sweep();
      await until('the second attempt', async () => (await c.deliveries(webhook.id))[0]?.status === 'delivered');
      assert.equal(receiver.requests.length, 2);
    });

    test('of a deleted webhook cannot be sent again', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      t.after(receiver.close);
      const webhook = await c.subscribe(receiver.url);
      await c.tryServer({ eventType: 'once' });
      const [delivery] = await until('delivered', async () => {
        const deliveries = await c.deliveries(webhook.id);
        return deliveries[0]?.status === 'delivered' && deliveries;
      });
      const at = (path) => `/api/admin/webhooks/${webhook.id}${path}`;
      assert.equal((await c.call('DELETE', at(''), undefined, c.admin)).status, 200);
      assertProblem(await c.call('POST', at(`/deliveries/${delivery.id}/resend`), {}, c.admin), 404, 'not_found');
      assertProblem(await c.call('POST', at('/recover'), { since: '2020-01-01' }, c.admin), 404, 'not_found');
      const d1 = await trackMate().d1();
      const state = await d1.prepare('select state from deliveries where company = ?1').bind(c.companyId).first('state');
      assert.equal(state, 'delivered');
    });

    test('whose event is gone end with that reason', async (t) => {
      const c = await newCompany(trackMate());
      const receiver = await startReceiver(() => 503);
      t.after(receiver.close);
      const webhook = await c.subscribe(receiver.url, ['lost'], { retryDelay: 3600 });
      await c.tryServer({ eventType: 'lost' });
      await until('the first attempt', async () => (await c.deliveries(webhook.id))[0]?.attempts.length === 1);
      const d1 = await trackMate().d1();
      await d1.prepare('delete from events where company = ?1').bind(c.companyId).run();
      await d1.prepare('update deliveries set due_at = 1 where company = ?1').bind(c.companyId).run();
      await trackMate().sweep();
      const [delivery] = await until('its end', async () => {
        const deliveries = await c.deliveries(webhook.id);
        return deliveries[0]?.status === 'failed_permanent' && deliveries;
      });
      assert.equal(delivery.attempts.at(-1).error, 'its event is gone');
      assert.equal(receiver.requests.length, 1);
    });

    test('are not accepted for a place that they must not reach', async () => {
      const c = await newCompany(trackMate());
      const create = (body) => c.call('POST', '/api/admin/webhooks', { name: 'x', events: ['*'], ...body }, c.admin);
      for (const url of [
        'http://crm.example/hook',
        'https://127.0.0.1/hook',
        'https://2130706433/hook',
        'https://0x7f.1/hook',
        'https://[::ffff:127.0.0.1]/hook',
        'https://169.254.169.254/latest/meta-data',
        'https://localhost/hook',
        'https://intranet/hook',
        'https://db.internal/hook',
        'https://user:pass@crm.example/hook',
        'https://crm.example:6379/hook',
        'ftp://crm.example',
        'nonsense',
      ]) {
        assertProblem(await create({ url }), 400, 'invalid_url', 'url');
      }
      const url = 'https://crm.example/hook';
      assert.equal((await create({ url })).status, 200);
      for (const events of [[], ['a*'], ['*.*'], ['']]) assertProblem(await create({ url, events }), 400, 'invalid_field', 'events');
      assertProblem(await create({ url, retryAttempts: 51 }), 400, 'invalid_field', 'retryAttempts');
      assertProblem(await create({ url: undefined }), 400, 'missing_field', 'url');
      const { body } = await c.get('/api/admin/webhooks');
      assert.ok(body.webhooks.length === 1 && !JSON.stringify(body).includes('whsec_'), 'a secret is shown once');
    });
  });
