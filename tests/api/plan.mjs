// A company's tracking plan: what it refuses, what it counts, what it lets alone, at both doors; and what it costs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

const EVENTS = {
  paid: { required: ['amount'], properties: { amount: { type: 'number' }, order: { type: 'object', properties: { id: { type: 'string' } } } } },
  page_view: {},
};
const paid = (amount, more = {}) => ({ eventType: 'paid', eventData: { amount, ...more } });

export default (trackMate) =>
  describe('a tracking plan', () => {
    const path = '/api/admin/plan';
    const set = async (c, body) => {
      const answer = await c.call('PUT', path, body, c.admin);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body;
    };
    const company = async (mode) => {
      const c = await newCompany(trackMate());
      if (mode) await set(c, { mode, events: EVENTS });
      return c;
    };
    const rows = async (c, query = '') => (await c.get(`/api/admin/export/events/count?${query}`)).body.rows;
    const told = (body) => body.rejected.map((r) => [r.index, r.code, r.field]);

    test('that rejects refuses each item that violates it with its place, at both doors, and stores the others', async () => {
      const c = await company('reject');
      const batch = [paid('5'), paid(5), { eventType: 'sold' }, {}, paid(1, { order: { id: 7 } }), { eventType: 'page_view', eventData: { any: [1] } }];
      const refused = [
        [0, 'plan_violation', 'eventData.amount'],
        [2, 'plan_violation', 'eventType'],
        [3, 'missing_field', 'eventType'],
        [4, 'plan_violation', 'eventData.order.id'],
      ];
      const page = (await c.track(c.session(), ...batch)).body;
      assert.deepEqual([page.accepted, told(page)], [2, refused]);
      const server = (await c.tryServer({ events: batch })).body;
      assert.deepEqual([server.accepted, told(server)], [2, refused]);
      const single = await c.tryServer(paid(null));
      assertProblem(single, 400, 'plan_violation', 'eventData.amount');
      assert.match(single.body.message, /eventData\.amount is missing/);
      assert.equal((await c.tryServer(paid(3))).status, 200);
      const made = (await c.call('POST', '/api/admin/keys', { scope: 'server' }, c.admin)).body.key;
      assertProblem(await c.tryServer(paid('3'), { 'x-trackmate-api-key': made.key }), 400, 'plan_violation', 'eventData.amount');
      assert.equal(await rows(c), 5);
      assert.ok(!JSON.stringify([page, server]).includes('"5"'), 'no value is told');
    });

    test('holds what other vendors’ clients send, too, and tells each item’s fault', async () => {
      const c = await company('reject');
      const batch = [
        { type: 'track', event: 'paid', properties: { amount: '5' }, messageId: 'plan-1' },
        { type: 'track', event: 'paid', properties: { amount: 5 }, messageId: 'plan-2' },
        { type: 'identify', traits: { anything: 1 }, messageId: 'plan-3' },
        { type: 'track', event: 'sold', messageId: 'plan-4' },
        { type: 'group', groupId: 'acme', traits: { name: 'Acme' }, messageId: 'plan-5' },
      ].map((item) => ({ ...item, anonymousId: 'visitor-1' }));
      for (const [key, door] of [[c.companyId, 'browser'], [c.serverKey, 'server']]) {
        const { status, body } = await trackMate().call('POST', '/v1/batch', { batch, writeKey: key });
        assert.equal(status, 200, JSON.stringify(body));
        assert.deepEqual([body.accepted, body.duplicates], [3, 0], door);
        assert.deepEqual(told(body), [[0, 'plan_violation', 'eventData.amount'], [3, 'plan_violation', 'eventType']]);
        const noted = await until('the notes', async () => {
          const { rejected } = (await c.get('/api/admin/events/rejected?code=plan_violation')).body;
          const found = rejected.filter((r) => r.door === door);
          return found.length === 2 && found;
        });
        assert.deepEqual(new Map(noted.map((r) => [r.messageId, r.field])), new Map([['plan-1', 'eventData.amount'], ['plan-4', 'eventType']]));
        assert.ok(noted.every((r) => !JSON.stringify(r.eventData).includes('"5"')), 'no value is noted');
        const single = { event: 'paid', properties: {}, anonymousId: 'visitor-2', writeKey: key };
        assertProblem(await trackMate().call('POST', '/v1/track', single), 400, 'plan_violation', 'eventData.amount');
      }
    });

    test('that reports stores everything and counts what violates it, by event, place and reason, until another plan is set', async () => {
      const c = await company('report');
      assert.equal((await c.track(c.session(), paid('5'), paid('6'), paid(7), { eventType: 'sold' })).body.accepted, 4);
      assert.equal((await c.tryServer(paid('8'))).status, 200);
      const violations = await until('the counts', async () => {
        const found = (await c.get(path)).body.violations;
        return found.length === 2 && found[0].count === 3 && found;
      });
      assert.deepEqual(violations.map((v) => [v.event, v.field, v.reason, v.count]), [['paid', 'eventData.amount', 'wrong_type', 3], ['sold', 'eventType', 'unknown_event', 1]]);
      assert.ok(violations.every((v) => v.firstAt <= v.lastAt && Math.abs(Date.parse(v.lastAt) - Date.now()) < 60_000));
      const off = await set(c, { mode: 'off' });
      assert.deepEqual([off.plan.mode, off.plan.events, off.violations.length], ['off', EVENTS, 2], 'the mode alone');
      assert.deepEqual((await set(c, { mode: 'report', events: { paid: {} }, additionalEvents: true })).violations, []);
      assert.equal((await c.track(c.session(), paid('5'), { eventType: 'sold' })).body.accepted, 2);
    });

    test('is in force from the answer that sets it on, whatever an isolate has kept', async () => {
      const c = await company();
      for (let n = 0; n < 3; n += 1) {
        assert.equal((await c.track(c.session(), paid('x'))).body.accepted, 1);
        await set(c, { mode: 'reject', ...(n ? {} : { events: EVENTS }) });
        assert.equal((await c.track(c.session(), paid('x'))).body.accepted, 0);
        assert.equal((await c.tryServer(paid('x'))).status, 400);
        await set(c, { mode: 'reject', events: { ...EVENTS, paid: { properties: { amount: { type: ['string', 'number'] } } } } });
        assert.equal((await c.track(c.session(), paid('x'))).body.accepted, 1);
        await set(c, { mode: 'off', events: EVENTS });
      }
    });

    test('has nothing to say of who somebody is, of contacts, of what TrackMate emits, and of other companies', async () => {
      const c = await company('reject');
      const other = await company();
      await c.subscribe('https://crm.example/hook', ['user.*'], { active: false });
      const { profileId } = (await c.identify(c.session(), 'ada@example.com', { name: 'Ada' })).body;
      assert.equal((await c.call('POST', '/api/contacts', { company_id: c.companyId, email: 'bob@example.com' })).status, 200);
      assert.equal((await c.call('POST', `/api/admin/users/${profileId}/tags`, { tags: ['vip'] }, c.admin)).status, 200);
      assert.equal((await c.server({ email: 'eve@example.com' }, 'paid', { eventData: { amount: 1 } })).body.created, true);
      assert.equal((await c.track(c.session(), { eventType: 'user.created' })).body.accepted, 1);
      assertProblem(await c.tryServer({ identifier: { email: 'new@example.com' }, eventType: 'sold' }), 400, 'plan_violation', 'eventType');
      assert.equal(await c.user('new@example.com'), undefined, 'what is refused makes nobody');
      assert.equal((await other.track(other.session(), { eventType: 'sold' })).body.accepted, 1);
      assert.deepEqual((await other.get(path)).body, { success: true, plan: { mode: 'off', events: {}, additionalEvents: false, updatedAt: null }, violations: [] });
    });

    test('is proposed from what was seen, which it accepts, and stored by nobody', async () => {
      const c = await company();
      await c.track(c.session(), paid(1, { order: { id: 'a', lines: [1] } }), paid(2.5, { coupon: null, order: { id: 'b' } }), { eventType: 'page_view', eventData: { url: '/', first: true } });
      await c.tryServer({ events: [{ eventType: 'rebuild', eventData: { count: 3 } }, paid('3', { order: { id: 'c' } })] });
      await c.identify(c.session(), 'ada@example.com');
      const { plan, sampled } = (await c.call('POST', `${path}/infer`, undefined, c.admin)).body;
      assert.equal(sampled, 6);
      assert.deepEqual(plan, {
        additionalEvents: false,
        events: {
          page_view: { type: 'object', required: ['first', 'url'], properties: { first: { type: 'boolean' }, url: { type: 'string' } } },
          paid: {
            type: 'object', required: ['amount', 'order'],
            properties: { amount: { type: ['string', 'number'] }, order: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, lines: { type: 'array' } } } },
          },
          rebuild: { type: 'object', required: ['count'], properties: { count: { type: 'number' } } },
        },
      });
      assert.equal((await c.get(path)).body.plan.updatedAt, null);
      assert.deepEqual((await set(c, { mode: 'reject', ...plan })).plan.events, plan.events);
      assert.equal((await c.track(c.session(), paid(1, { order: { id: 'a' } }))).body.accepted, 1);
    });

    test('says of given events what it would refuse, as it is or as it might be', async () => {
      const c = await company();
      const check = (body) => c.call('POST', `${path}/check`, body, c.admin);
      assertProblem(await check({ events: [] }), 400, 'missing_field', 'plan');
      const events = [paid(1), paid('1'), { eventType: 'sold' }];
      const given = (await check({ events, plan: { events: EVENTS } })).body;
      assert.deepEqual([given.checked, given.refused.map((r) => [r.index, r.eventType, r.violations.map((v) => v.reason)])], [3, [[1, 'paid', ['wrong_type']], [2, 'sold', ['unknown_event']]]]);
      await set(c, { mode: 'off', events: EVENTS });
      assert.deepEqual((await check({ events })).body, given);
      assert.deepEqual((await c.get(path)).body.violations, []);
      assert.equal(await rows(c), 0);
      assertProblem(await check({ events: [5] }), 400, 'invalid_field', 'events');
      assertProblem(await check({}), 400, 'missing_field', 'events');
    });

    test('is refused without a mode, without events where there are none, and beyond its bounds; setting it is in the audit log', async () => {
      const c = await company();
      const put = (body) => c.call('PUT', path, body, c.admin);
      assertProblem(await put({}), 400, 'missing_field', 'mode');
      assertProblem(await put({ mode: 'reject' }), 400, 'missing_field', 'events');
      assertProblem(await put({ mode: 'sometimes', events: {} }), 400, 'invalid_field', 'mode');
      assertProblem(await put({ mode: 'reject', events: { x: { enum: [1] } } }), 400, 'invalid_field', 'events');
      assertProblem(await put({ mode: 'reject', events: { x: { type: 'string' } } }), 400, 'invalid_field', 'events');
      assertProblem(await put({ mode: 'reject', events: Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`e${n}`, {}])) }), 400, 'invalid_field', 'events');
      await set(c, { mode: 'off', events: EVENTS });
      const [latest] = (await c.get('/api/admin/audit?action=plan.update')).body.entries;
      assert.deepEqual([latest.action, latest.targetId, latest.outcome], ['plan.update', null, 'ok']);
    });

    test('costs those who have none nothing, and those who have one no round trip once an isolate knows it', async () => {
      const c = await company();
      const cost = async () => [(await c.track(c.session(), paid(1))).cost, (await c.tryServer(paid(1))).cost];
      // A name that is new is a row more.
      await cost();
      const none = await cost();
      await set(c, { mode: 'reject', events: EVENTS });
      await cost();
      const some = await cost();
      for (const [n, { trips, written }] of some.entries()) assert.deepEqual([trips, written], [none[n].trips, none[n].written]);
      assert.deepEqual([none[0].trips, none[1].trips], [1, 1]);
    });

    test('counts no more than 200 kinds of violations, whatever a stranger makes up', async () => {
      const c = await company('report');
      await c.track(c.session(), paid('first'));
      await until('the first', async () => (await c.get(path)).body.violations.length === 1);
      await c.track(c.session(), ...Array.from({ length: 400 }, (_, n) => ({ eventType: `made-up-${n}` })), paid('again'));
      await until('as many as there is room for', async () => (await c.get(path)).body.violations.length === 200);
      assert.equal((await c.get(path)).body.violations.find((v) => v.event === 'paid').count, 2);
    });
  });
