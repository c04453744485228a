// The funnel of seed 002: a form becomes a contact, the company's CRM hears of it, and the visitor never waits.
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const FORM = {
  email: 'Visitor@Example.com',
  name: 'Vera Visitor',
  funnel: { projectId: 'p-1', projectName: 'Spring', pageId: 'page-1', pageUrl: 'https://funnel.example/spring' },
  utm: { source: 'newsletter', medium: 'email', campaign: 'spring', term: 'shoes', content: 'top' },
};

/** The seed's own receiver code. */
function verifyWebhookSignature(payload, signature, secret) {
  const expectedSignature = createHmac('sha256', secret).update(payload).digest('hex');
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expectedSignature));
}

export default (trackMate) =>
  describe('contacts', () => {
    async function funnel(t, { answer, settings = {} } = {}) {
      const c = await newCompany(trackMate());
      const crm = await startReceiver(answer);
      t.after(crm.close);
      const set = (change) => c.call('PATCH', '/api/admin/settings', change, c.admin);
      const wanted = { webhook_enabled: true, crm_webhook_url: `${crm.url}/crm`, webhook_secret: 'optional-secret-key', ...settings };
      assert.equal((await set(wanted)).status, 200);
      return { c, crm, set, submit: (more = {}, headers = {}) => c.call('POST', '/api/contacts', { company_id: c.companyId, ...FORM, ...more }, headers) };
    }

    test('reach the CRM as the seed shows them, signed with the company’s own secret', async (t) => {
      const { c, crm, submit } = await funnel(t);
      const { status, body } = await submit({ sessionId: 'session_1_form' }, { 'user-agent': 'Form/1.0', referer: 'https://ads.example/' });
      assert.deepEqual([status, Object.keys(body)], [200, ['success', 'contactId']]);
      await until('the CRM', () => crm.requests.length === 1);
      const [{ headers, body: payload, json }] = crm.requests;
      assert.ok(verifyWebhookSignature(payload, headers['x-webhook-signature'], 'optional-secret-key'));
      assert.equal(json.event, 'registration.submitted');
      assert.deepEqual(json.data, {
        email: 'Visitor@Example.com',
        name: 'Vera Visitor',
        funnel: FORM.funnel,
        visitor: { id: 'session_1_form', userAgent: 'Form/1.0', referrer: 'https://ads.example/' },
        utm: FORM.utm,
      });
      const timeline = await c.timeline(body.contactId);
      assert.deepEqual(timeline.events.map((e) => e.eventType), ['registration.submitted']);
      assert.deepEqual([timeline.profile.email, timeline.profile.name], ['Visitor@Example.com', 'Vera Visitor']);
    });

    test('are answered at once, however the CRM fares, and tried at once, after a second and after two more', async (t) => {
      const gaps = await Promise.all([1, 2, 3].map(async () => {
        const { c, crm, submit } = await funnel(t, { answer: () => 500 });
        const sent = Date.now();
        assert.equal((await submit()).status, 200);
        const [delivery] = await until('the third attempt', async () => {
          const deliveries = await c.deliveries('wh_funnel');
          return deliveries[0]?.status === 'exhausted' && deliveries;
        });
        assert.deepEqual(delivery.attempts.map((a) => [a.attempt, a.statusCode, a.success]), [[1, 500, false], [2, 500, false], [3, 500, false]]);
        const [first, second, third] = crm.requests.map((r) => r.at);
        return [first - sent, second - first, third - second];
      }));
      assert.ok(gaps.every(([, second, third]) => second >= 900 && third >= 1900), `${gaps.join(' and ')} ms`);
      // One of three is not late, whatever else the machine does.
      const least = [0, 1, 2].map((n) => Math.min(...gaps.map((gap) => gap[n])));
      assert.ok(least[0] < 800 && least[1] < 1800 && least[2] < 2800, `${least} ms`);
    });

    test('of a company without a secret are not signed, and of one that is off are held', async (t) => {
      const { c, crm, set, submit } = await funnel(t, { settings: { webhook_secret: '' } });
      assert.deepEqual((await c.get('/api/admin/settings')).body.settings.webhook_secret_set, false);
      await submit();
      await until('the CRM', () => crm.requests.length === 1);
      assert.equal(crm.requests[0].headers['x-webhook-signature'], undefined);
      await set({ webhook_enabled: false });
      await submit({ email: 'later@example.com' });
      assert.equal((await c.deliveries('wh_funnel'))[0].status, 'held');
      const { settings } = (await set({ webhook_enabled: true })).body;
      assert.deepEqual([settings.webhook_enabled, settings.crm_webhook_url, 'webhook_secret' in settings], [true, `${crm.url}/crm`, false]);
      await until('what was held', () => crm.requests.length === 2);
    });

    test('are tested with one call, before the first visitor', async (t) => {
      const { c, crm } = await funnel(t);
      const { body } = await c.call('POST', '/api/webhook/test', {}, c.admin);
      assert.deepEqual([body.success, body.delivered, body.statusCode], [true, true, 200]);
      assert.ok(verifyWebhookSignature(crm.requests[0].body, crm.requests[0].headers['x-webhook-signature'], 'optional-secret-key'));
      const other = await newCompany(trackMate());
      assertProblem(await other.call('POST', '/api/webhook/test', {}, other.admin), 404, 'not_found');
      assertProblem(await other.call('POST', '/api/webhook/test', {}), 401, 'missing_key');
    });

    test('that are sent again are one submission if they say when they were sent, or by which id', async (t) => {
      const { c, crm, submit } = await funnel(t);
      const timestamp = new Date().toISOString();
      const bodies = [{ timestamp }, { messageId: 'form-1' }, { timestamp, messageId: 'form-2' }, { timestamp, sessionId: c.session() }];
      for (const [n, more] of bodies.entries()) {
        const email = `again-${n}@example.com`;
        const answers = [];
        for (let time = 0; time < 3; time += 1) answers.push(await submit({ ...more, email }, { 'user-agent': `Browser/${time}`, referer: `https://ads.example/${time}` }));
        const { contactId } = answers[0].body;
        assert.deepEqual(answers.map(({ status, body }) => [status, body]), Array(3).fill([200, { success: true, contactId }]));
        assert.deepEqual(await c.names(contactId), ['registration.submitted'], JSON.stringify(more));
      }
      await until('the CRM', () => crm.requests.length === bodies.length);
      const atOnce = await Promise.all([1, 2, 3].map(() => submit({ messageId: 'form-3', email: 'at-once@example.com' })));
      const [{ body: first }] = atOnce;
      assert.deepEqual(atOnce.map(({ status, body }) => [status, body]), Array(3).fill([200, first]));
      assert.deepEqual(await c.names(first.contactId), ['registration.submitted']);
      await c.track(c.session(), { eventType: 'page_view', messageId: 'view-1' });
      assertProblem(await submit({ messageId: 'view-1', email: 'at-once@example.com' }), 409, 'conflict', 'messageId');
      // Another form at the same time is another; and so is one that says neither when nor by which id, each time.
      const other = { email: 'again-0@example.com', timestamp, utm: { source: 'another' } };
      const { contactId } = (await submit(other)).body;
      assert.deepEqual(await c.names(contactId), ['registration.submitted', 'registration.submitted']);
      for (let time = 0; time < 2; time += 1) await submit({ email: 'plain@example.com' });
      assert.equal((await c.names((await c.user('plain@example.com')).id)).length, 2);
      await until('the CRM', () => crm.requests.length === bodies.length + 4);
    });

    test('belong to the session they came from, and to the person they name', async (t) => {
      const { c, submit } = await funnel(t);
      const session = c.session();
      await c.track(session, { eventType: 'page_view' });
      const { contactId } = (await submit({ sessionId: session, email: 'mine@example.com' })).body;
      assert.deepEqual(await c.names(contactId), ['page_view', 'registration.submitted']);
      assert.equal((await c.identify(session, 'mine@example.com')).body.profileId, contactId);
    });

    test('are refused with a code when they say nothing usable, and settings too', async (t) => {
      const { c, set, submit } = await funnel(t);
      assertProblem(await submit({ email: undefined }), 400, 'missing_field', 'email');
      assertProblem(await submit({ email: 'nonsense' }), 400, 'invalid_email', 'email');
      assertProblem(await submit({ company_id: 'TM-NOBODY' }), 404, 'unknown_company', 'company_id');
      assertProblem(await submit({ funnel: { pageUrl: 'x'.repeat(33_000) } }), 400, 'event_too_large');
      assertProblem(await set({ crm_webhook_url: 'https://10.0.0.1/' }), 400, 'invalid_url', 'crm_webhook_url');
      const bare = await newCompany(trackMate());
      assertProblem(await bare.call('PATCH', '/api/admin/settings', { webhook_enabled: true }, bare.admin), 400, 'missing_field', 'crm_webhook_url');
      assert.equal((await c.get('/api/admin/users')).body.users.length, 0);
    });
  });
