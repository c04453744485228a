// The operations of the OpenAPI document, and a company in which each has something to work on: for
// tests that send every operation its own example.
import { readFileSync } from 'node:fs';
import { until } from './harness.mjs';
import { newCompany } from './people.mjs';
import { startReceiver } from './receiver.mjs';

export const openapi = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
export const operations = Object.entries(openapi.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })));
export const found = (id) => operations.find((operation) => operation.operationId === id);

/** What deletes, each after what needs it, and what asks about an erasure, after it. */
const LAST = ['deleteWebhook', 'revokeKey', 'revokeOwnKey', 'eraseUser', 'getErasure', 'liftTombstone', 'deleteGroup'];
/** All operations in an order in which each works: those of `last` and then what deletes come last. */
export const inOrder = (last = []) => {
  const late = [...last, ...LAST];
  return [...operations.filter(({ operationId }) => !late.includes(operationId)), ...late.map(found)];
};

/**
 * A company in which every operation has something to work on. Returns {trackMate, c, receiver,
 * operator, other, ids}; `ids` are by the word before them in a path. Close the receiver.
 */
export async function prepareCompany(trackMate) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver();
  const webhook = await c.subscribe(`${receiver.url}/hook`, ['payment_processed']);
  const { profileId, messageId } = (await c.server({ email: 'ada@example.com' }, 'payment_processed', { eventData: { amount: 1, currency: 'USD' } })).body;
  const other = (await c.server({ email: 'ada@work.example' }, 'booking.created', { eventData: { booking: { id: 'b-1', service: 'Haircut' } } })).body.profileId;
  for (const eventType of ['booking.created', 'qr.created', 'conversation.created', 'message.sent', 'order.created']) {
    const name = eventType.split('.')[0];
    await c.server({ userId: profileId }, eventType, { eventData: { [name === 'qr' ? 'qrCode' : name]: { id: 'x-1', text: 'said' } } });
  }
  await c.server({ userId: profileId }, 'group', { eventData: { groupId: 'acme', traits: { name: 'Acme', plan: 'gold' } } });
  const group = (await c.get('/api/admin/groups')).body.groups[0];
  const exported = (await c.get('/api/admin/export/users/json')).headers.get('x-export-id');
  const delivery = await until('a delivery', async () => (await c.deliveries(webhook.id)).find((d) => d.status === 'delivered'));
  const operator = { authorization: `Bearer ${trackMate.operatorKey}` };
  const spare = (await trackMate.call('POST', `/api/operator/companies/${c.companyId}/keys`, { scope: 'server' }, operator)).body.key;
  const ids = { users: profileId, webhooks: webhook.id, deliveries: delivery.id, companies: c.companyId, keys: spare.id, exports: exported, groups: group.id, events: messageId, projects: c.companyId, array: c.companyId, cells: 'DB' };
  return { trackMate, c, receiver, operator, other, ids };
}

/** What operations on cells answer to their examples in a deployment with one database, instead of 200. */
export const REFUSED_WITHOUT_CELLS = { moveCompany: 409, abortMove: 409, changeCell: 404 };

/** The headers with the key that an operation takes. */
export function credentials({ c, operator }, { security }) {
  const [scheme] = security.flatMap(Object.keys);
  return { undefined: {}, serverKey: c.key, adminKey: c.admin, operatorKey: operator }[scheme];
}

/** A stream answers what there is, and does not wait for more. */
const brief = (path, query) => (path.endsWith('/stream') && !query.includes('seconds') ? `${query || '?'}&seconds=0` : query);

/** Calls an operation. */
export function callOperation({ trackMate, ids: own }, { method, path }, body, headers, ids = own, query = '') {
  const filled = path.replace('{format}', 'json').replace('{kind}', 'track').replaceAll(/([a-z]+)\/\{\w+\}/g, (_, things) => `${things}/${encodeURIComponent(ids[things])}`);
  return trackMate.call(method.toUpperCase(), filled + brief(path, query), body, headers);
}

/** An example with this company and a receiver that is there. */
export function ownExample({ c, receiver, ids, other }, example) {
  const mine = { 'TM-SHOP99': c.companyId, 'https://crm.example': receiver.url, '5f1c0a9b8d7e6f5a4b3c2d1e': ids.users, '0a9b8c7d6e5f4a3b2c1d0e9f': other };
  return JSON.parse(Object.entries(mine).reduce((text, [shown, real]) => text.replaceAll(shown, real), JSON.stringify(example)));
}
