// What tests say about a company's people, in one line each.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

/** A company of its own with everything a test does to it. */
export async function newCompany(trackMate, wanted) {
  const company = await trackMate.companies(wanted);
  const { call } = trackMate;
  const admin = { 'x-admin-id': company.adminKey };
  const key = { 'x-trackmate-api-key': company.serverKey };
  const ok = (answer) => {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.success, true);
    return answer;
  };
  const self = {
    ...company,
    call,
    admin,
    key,
    session: () => `session_1760788800_${randomUUID().replaceAll('-', '')}`,
    events: (sessionId, events, more = {}, headers = {}) =>
      call('POST', '/api/events', { company_id: company.companyId, sessionId, events, ...more }, headers),
    track: async (sessionId, ...events) => ok(await self.events(sessionId, events)),
    tryIdentify: (sessionId, email, more = {}) => call('POST', '/api/profile', { company_id: company.companyId, sessionId, email, ...more }),
    identify: async (sessionId, email, more) => ok(await self.tryIdentify(sessionId, email, more)),
    tryServer: (body, headers = key) => call('POST', '/api/webhooks/events', body, headers),
    server: async (identifier, eventType, more = {}) => ok(await self.tryServer({ company_id: company.companyId, identifier, eventType, ...more })),
    get: async (path) => ok(await call('GET', path, undefined, admin)),
    user: async (email) => (await self.get(`/api/admin/users?email=${encodeURIComponent(email)}`)).body.users[0],
    timeline: async (id, query = 'limit=500') => (await self.get(`/api/admin/users/${id}/timeline?${query}`)).body,
    names: async (id) => (await self.timeline(id)).events.map((event) => event.eventType),
    subscribe: async (url, events = ['*'], more = {}) =>
      ok(await call('POST', '/api/admin/webhooks', { name: 'Test', url, events, retryDelay: 1, ...more }, admin)).body.webhook,
    deliveries: async (id) => (await self.get(`/api/admin/webhooks/${id}`)).body.deliveries,
  };
  return self;
}

/**
 * Asserts that a request read as many rows as it did before, however much was added. A range that ends where its table does reads a row less,
 * and where that is depends on random ids, other tests' among them: for one user with records, 57 to 68 were read. What is added must be more than the slack.
 */
export function assertFlat(read, before) {
  assert.ok(Math.abs(read - before) <= 20, `${read} rows read, and ${before} before`);
}

/** Asserts a problem's status and code, and that the answer has the documented form. */
export function assertProblem(answer, status, code, field) {
  assert.deepEqual([answer.status, answer.body.success, answer.body.code], [status, false, code], JSON.stringify(answer.body));
  assert.equal(typeof answer.body.message, 'string');
  // the members of RFC 9457
  const { type, status: repeated, detail } = answer.body;
  assert.deepEqual([type, repeated, detail], [`/docs/problems/#${code}`, status, answer.body.message]);
  assert.equal(answer.body.requestId, answer.headers.get('x-request-id'));
  if (field) assert.equal(answer.body.field, field);
}
