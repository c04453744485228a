// What a subscription's trouble does: its circuit, its rate, attempts that die with their invocation, and what is kept of it all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { isSigned } from '../support/receiver.mjs';
import { newWebhook } from '../support/webhook.mjs';

const DAY_MS = 86_400_000;

export default (trackMate) =>
  describe('trouble', () => {
    const world = (t, wanted) => newWebhook(t, trackMate(), wanted);

    test('opens the circuit after ten failures in a row: what comes is held, one probe goes, and its success lets all go', async (t) => {
      let healed = false;
      const w = await world(t, { answer: () => (healed ? 200 : 503), retryAttempts: 50, retryDelay: 3600 });
      for (let n = 0; n < 10; n += 1) await w.send(`e${n}`);
      await until('an open circuit', async () => (await w.state()).circuit.state === 'open');
      assert.equal(w.receiver.requests.length, 10);
      for (let n = 10; n < 15; n += 1) await w.send(`e${n}`);
      assert.equal((await w.state()).stats.held, 5);
      assert.ok(Date.parse((await w.state()).circuit.nextProbeAt) > Date.now() + 20_000, 'half a minute of peace');

      await w.set('open_until = 1');
      await trackMate().sweep();
      await until('the probe', () => w.receiver.requests.length === 11);
      await until('the next pause', async () => Date.parse((await w.state()).circuit.nextProbeAt) > Date.now() + 50_000);
      assert.equal(w.receiver.requests.length, 11, 'one probe, and no more');

      healed = true;
      await w.set('open_until = 1');
      await w.send('e15');
      await until('what was held', () => new Set(w.receiver.requests.filter((r) => r.json.event > 'e').map((r) => r.json.event)).size === 16);
      await until('all but the eleven that wait for their retry', async () => (await w.state()).stats.success === 5);
      assert.equal((await w.state()).circuit.state, 'closed');
      assert.equal((await w.state()).stats.held, 0);
    });

    test('of one subscription does not hold back another', async (t) => {
      const w = await world(t, { answer: ({ path }) => (path === '/hook' ? 503 : 200), retryAttempts: 50, retryDelay: 3600 });
      await w.c.subscribe(`${w.receiver.url}/fine`);
      for (let n = 0; n < 14; n += 1) await w.send(`e${n}`);
      await until('all at the other', () => w.receiver.requests.filter((r) => r.path === '/fine').length === 14);
      // They may be there before the last failures of the one are written down.
      await until('an open circuit', async () => (await w.state()).circuit.state === 'open');
    });

    test('is over when the owner says so: a new address or switching on closes the circuit', async (t) => {
      const w = await world(t, { answer: ({ path }) => (path === '/hook' ? 503 : 200), retryAttempts: 50, retryDelay: 3600 });
      for (let n = 0; n < 10; n += 1) await w.send(`e${n}`);
      await until('an open circuit', async () => (await w.state()).circuit.state === 'open');
      await w.send('held');
      await w.patch({ url: `${w.receiver.url}/new` });
      assert.equal((await w.state()).circuit.state, 'closed');
      await until('the held one', () => w.receiver.requests.some((r) => r.path === '/new' && r.json.event === 'held'));
    });

    test('does not come from a rate limit: what is beyond it waits its turn, and nothing is lost', async (t) => {
      const w = await world(t, { rateLimit: 5 });
      assert.equal(w.webhook.rateLimit, 5);
      await w.c.tryServer({ events: Array.from({ length: 22 }, (_, n) => ({ eventType: `e${n}` })) });
      await until('all of them', () => w.receiver.requests.length === 22);
      const at = w.receiver.requests.map((r) => r.at);
      // Five turns of five, a second apart, as a receiver on a busy machine sees them: one turn may seem late, but not two of them one.
      for (let n = 10; n < at.length; n += 1) assert.ok(at[n] - at[n - 10] >= 1000, `eleven within ${at[n] - at[n - 10]} ms`);
      assert.ok(at.at(-1) - at[0] >= 3500, `all within ${at.at(-1) - at[0]} ms`);
      assert.equal(new Set(w.receiver.requests.map((r) => r.json.event)).size, 22);
      await w.patch({ rateLimit: 0 });
      assert.equal((await w.state()).rateLimit, null);
      assertProblem(await w.patch({ rateLimit: 101 }), 400, 'invalid_field', 'rateLimit');
    });

    test('of an attempt that always dies with its invocation ends, with its reason', async (t) => {
      const w = await world(t, { answer: () => 503, retryDelay: 3600 });
      await w.send('poison');
      await until('the first attempt', async () => (await w.c.deliveries(w.webhook.id))[0]?.attempts.length === 1);
      await w.d1.prepare("update deliveries set state = 'leased', due_at = 1, interrupted = 5 where subscription = ?1").bind(w.webhook.id).run();
      await trackMate().sweep();
      const [delivery] = await w.ended('exhausted');
      assert.match(delivery.attempts.at(-1).error, /interrupted/);
      const resent = await w.post(`/deliveries/${delivery.id}/resend`);
      assert.equal(resent.status, 200);
      await until('another attempt', () => w.receiver.requests.length === 2);
    });

    test('switches off when its owner wants it to, or never', async (t) => {
      const w = await world(t, { answer: () => 400, disableAfterFailures: 2, disableAfterHours: 0 });
      assert.deepEqual([w.webhook.disableAfterFailures, w.webhook.disableAfterHours], [2, 0]);
      await w.send('a');
      await w.ended('failed_permanent', 1);
      assert.equal((await w.state()).active, true);
      await w.send('b');
      await until('off', async () => !(await w.state()).active);
      assert.match((await w.state()).disabledReason, /failed 2 times in a row/);
    });

    test('leaves logs for as long as the company says, then none; what is held stays', async (t) => {
      const w = await world(t);
      const { c } = w;
      assert.equal((await c.get('/api/admin/settings')).body.settings.logRetentionDays, 30);
      assert.equal((await c.call('PATCH', '/api/admin/settings', { logRetentionDays: 7 }, c.admin)).body.settings.logRetentionDays, 7);
      assertProblem(await c.call('PATCH', '/api/admin/settings', { logRetentionDays: 0 }, c.admin), 400, 'invalid_field', 'logRetentionDays');
      for (const name of ['old', 'young', 'older']) await w.send(name);
      await w.ended('delivered', 3);
      await w.patch({ active: false });
      await w.send('held');
      const age = (name, days) =>
        w.d1.batch(
          [
            "update attempts set delivery = (select format('%012x', created_at - ?3) || substr(id, 13) from deliveries where id = attempts.delivery) where delivery in (select id from deliveries where subscription = ?1 and event = ?2)",
            "update deliveries set id = format('%012x', created_at - ?3) || substr(id, 13), created_at = created_at - ?3, finished_at = finished_at - ?3 where subscription = ?1 and event = ?2",
          ].map((sql) => w.d1.prepare(sql).bind(w.webhook.id, name, days * DAY_MS)),
        );
      for (const [name, days] of [['old', 8], ['older', 300], ['young', 6], ['held', 300]]) await age(name, days);
      const left = async () => (await w.c.deliveries(w.webhook.id)).map((d) => d.event).toSorted();
      // The sweep looks at a few subscriptions a run.
      await until('the old ones are gone', async () => {
        await trackMate().sweep();
        return (await left()).length === 2;
      });
      assert.deepEqual(await left(), ['held', 'young']);
      const orphans = 'select count(*) as n from attempts as a where company = ?1 and not exists (select 1 from deliveries as d where d.company = a.company and d.id = a.delivery)';
      assert.equal(await w.d1.prepare(orphans).bind(c.companyId).first('n'), 0);
    });

    test('with the database finds no secret in it, also none from before there was a key', async (t) => {
      const w = await world(t, { headers: { Authorization: 'Bearer s3cret' } });
      const row = () => w.d1.prepare('select secret, old_secret, headers, sealed from subscriptions where id = ?1').bind(w.webhook.id).first();
      const isSealed = async () => {
        const { secret, headers, sealed } = await row();
        return secret.startsWith('sealed1:') && !headers.includes('s3cret') && headers.includes('sealed1:') && sealed === 1;
      };
      assert.ok(await isSealed());
      await w.d1
        .prepare('update subscriptions set secret = ?2, headers = ?3, sealed = 0 where id = ?1')
        .bind(w.webhook.id, w.webhook.secret, '{"authorization":"Bearer s3cret"}')
        .run();
      await w.send('plain');
      await until('signed with the plain secret', () => w.receiver.requests.length === 1);
      await until('sealed', async () => {
        await trackMate().sweep();
        return isSealed();
      });
      await w.send('sealed');
      await until('signed with the sealed secret', () => w.receiver.requests.length === 2);
      for (const request of w.receiver.requests) {
        assert.ok(isSigned(request, w.webhook.secret));
        assert.equal(request.headers.authorization, 'Bearer s3cret');
      }
      // A sealed secret in another row opens nothing there.
      const thief = await world(t);
      await w.d1.prepare('update subscriptions set secret = (select secret from subscriptions where id = ?1) where id = ?2').bind(w.webhook.id, thief.webhook.id).run();
      await thief.send('stolen');
      const [delivery] = await until('a failed attempt', async () => {
        const list = await thief.c.deliveries(thief.webhook.id);
        return list[0]?.attempts.length && list;
      });
      assert.match(delivery.attempts[0].error, /secret could not be read/);
      assert.equal(thief.receiver.requests.length, 0);
    });

    test('is easier with the catalogue: known names with examples, and the company’s own by when they were last seen', async () => {
      const c = await newCompany(trackMate());
      await c.track(c.session(), { eventType: 'page_view' }, { eventType: 'page_view', messageId: 'twice' }, { eventType: 'lamp.lit' });
      await c.track(c.session(), { eventType: 'page_view', messageId: 'twice' });
      await c.tryServer({ eventType: 'booking.created' });
      const find = (name) => events.find((e) => e.name === name);
      const { events } = (await c.get('/api/admin/events/catalog')).body;
      const own = find('lamp.lit');
      assert.deepEqual([own.builtin, own.description, own.example], [false, null, null]);
      for (const name of ['page_view', 'lamp.lit', 'booking.created']) assert.ok(Math.abs(Date.parse(find(name).lastSeenAt) - Date.now()) < 60_000);
      const known = find('user.created');
      assert.deepEqual([known.lastSeenAt, known.example.event, typeof known.example.data.user], [null, 'user.created', 'object']);
      assert.equal(new Set(events.map((e) => e.name)).size, events.length);
      const stranger = await newCompany(trackMate());
      assert.ok(!JSON.stringify((await stranger.get('/api/admin/events/catalog')).body).includes('lamp.lit'));
    });

    test('and names that a stranger makes up hide neither the company’s own nor those of its servers', async () => {
      const c = await newCompany(trackMate());
      await c.track(c.session(), { eventType: 'shown' });
      for (let n = 0; n < 2; n += 1) await c.track('session_stranger', ...Array.from({ length: 500 }, (_, i) => ({ eventType: `!${n}-${i}` })));
      await c.tryServer({ eventType: 'told' });
      const { events, hasMore } = (await c.get('/api/admin/events/catalog')).body;
      const names = events.filter((e) => !e.builtin).map((e) => e.name);
      assert.ok(names.includes('shown') && names.includes('told'));
      assert.deepEqual([names.length, hasMore], [501, true]);
    });
  });
