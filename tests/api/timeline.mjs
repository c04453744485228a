// GET …/timeline: order, pages, sums.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, newCompany } from '../support/people.mjs';

export default (trackMate) =>
  describe('the timeline', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('walked page by page shows every event once, in both orders', async () => {
      const c = await company();
      const email = 'walker@example.com';
      const minute = (n) => new Date(Date.UTC(2025, 0, 1, 0, n)).toISOString();
      // Three sessions that overlap, one within another, and server events in between.
      for (let s = 0; s < 3; s += 1) {
        const session = c.session();
        await c.identify(session, email, { timestamp: minute(s * 5) });
        await c.track(session, ...Array.from({ length: 20 }, (_, n) => ({ eventType: `s${s}-${n}`, timestamp: minute(s * 5 + n * (4 - s)) })));
      }
      await c.tryServer({ identifier: { email }, events: Array.from({ length: 20 }, (_, n) => ({ eventType: `w-${n}`, timestamp: minute(n * 3) })) });
      const { id } = await c.user(email);
      const whole = (await c.timeline(id)).events.map((e) => e.messageId);
      assert.equal(new Set(whole).size, 83);
      for (const order of ['asc', 'desc']) {
        const walked = [];
        for (let cursor = ''; cursor !== null; ) {
          const page = await c.timeline(id, `order=${order}&limit=7${cursor && `&cursor=${cursor}`}`);
          walked.push(...page.events.map((e) => e.messageId));
          cursor = page.pagination.nextCursor;
          assert.equal(page.pagination.hasMore, cursor !== null);
        }
        assert.deepEqual(order === 'asc' ? walked : walked.toReversed(), whole);
      }
    });

    test('ends a page early where its events are large, and a walk still shows each once', async () => {
      const c = await newCompany(trackMate());
      const [session, text] = [c.session(), 'é'.repeat(15_000)];
      await c.identify(session, 'large@example.com');
      for (let n = 0; n < 90; n += 15) {
        await c.track(session, ...Array.from({ length: 15 }, (_, k) => ({ eventType: `e${n + k}`, eventData: (n + k) % 30 ? { text } : { n } })));
      }
      const { id } = await c.user('large@example.com');
      for (const order of ['asc', 'desc']) {
        const [pages, walked] = [[], []];
        for (let cursor = ''; cursor !== null; ) {
          const page = await c.timeline(id, `limit=500&order=${order}${cursor && `&cursor=${cursor}`}`);
          cursor = page.pagination.nextCursor;
          assert.equal(page.pagination.hasMore, cursor !== null);
          pages.push(page.events.length);
          walked.push(...page.events);
        }
        assert.ok(pages.length === 2 && pages[0] > 60, `pages of ${pages.join()}`);
        const names = (order === 'asc' ? walked : walked.toReversed()).map((e) => e.eventType);
        assert.deepEqual(names, ['user_registered', ...Array.from({ length: 90 }, (_, n) => `e${n}`)]);
        assert.ok(walked.every((e) => !e.eventData.text || e.eventData.text === text));
      }
    });

    test('sums money exactly, by currency, over the event types that the company counts', async () => {
      const c = await newCompany(trackMate());
      const email = 'money@example.com';
      const pay = (amount, currency, eventType = 'payment_processed') => ({ eventType, eventData: { amount, currency } });
      const { body } = await c.tryServer({
        identifier: { email },
        events: [pay(0.1, 'USD'), pay(0.2, 'usd'), pay('79.99', 'EUR'), pay(-0.01, 'EUR'), pay(5, 'USD', 'refund_noted'), pay(1, 'USD', 'order_paid')],
      });
      const revenue = async () => (await c.timeline(body.profileId)).summary.totalRevenue;
      assert.deepEqual(await revenue(), [{ currency: 'EUR', amount: 79.98 }, { currency: 'USD', amount: 0.3 }]);
      await c.call('PATCH', '/api/admin/settings', { revenueEvents: ['order_paid'] }, c.admin);
      await c.tryServer({ identifier: { email }, events: [pay(2, 'USD', 'order_paid'), pay(9, 'USD')] });
      assert.deepEqual(await revenue(), [{ currency: 'USD', amount: 2 }], 'a type taken off the list stops at once, one added counts from then on');
    });

    test('refuses a cursor, a limit or an order that it does not know', async () => {
      const c = await company();
      const { profileId } = (await c.identify(c.session(), 'params@example.com')).body;
      const get = (query) => c.call('GET', `/api/admin/users/${profileId}/timeline?${query}`, undefined, c.admin);
      assertProblem(await get('cursor=nonsense'), 400, 'invalid_cursor', 'cursor');
      assertProblem(await get('limit=0'), 400, 'invalid_field', 'limit');
      assertProblem(await get('limit=501'), 400, 'invalid_field', 'limit');
      assertProblem(await get('order=up'), 400, 'invalid_field', 'order');
      assertProblem(await c.call('GET', '/api/admin/users/nobody/timeline', undefined, c.admin), 404, 'unknown_user');
    });

    test('belongs to users who are found by address or walked in pages', async () => {
      const c = await newCompany(trackMate());
      for (let n = 0; n < 5; n += 1) await c.identify(c.session(), `user${n}@example.com`);
      const seen = [];
      for (let cursor = ''; cursor !== null; ) {
        const { body } = await c.get(`/api/admin/users?limit=2${cursor && `&cursor=${cursor}`}`);
        seen.push(...body.users.map((u) => u.email));
        cursor = body.pagination.nextCursor;
      }
      assert.deepEqual(seen.toSorted(), [0, 1, 2, 3, 4].map((n) => `user${n}@example.com`));
      assert.equal(await c.user('nobody@example.com'), undefined);
      const { id } = await c.user(' USER3@example.com');
      const { body } = await c.get(`/api/admin/users/${id}`);
      assert.deepEqual([body.user.email, body.summary.totalEvents], ['user3@example.com', 1]);
    });
  });
