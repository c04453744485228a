// The document of the API against the API: every example is sent, and what the Worker answers, good or bad, is what the document says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const openapi = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));

/** The document, its objects without any field that it does not name: a field of an answer that is not documented shows. */
function closed(document) {
  const close = (schema) => (schema.properties && schema.additionalProperties === undefined ? { ...schema, unevaluatedProperties: false } : schema);
  const schemas = Object.fromEntries(Object.entries(document.components.schemas).map(([name, schema]) => [name, close(schema)]));
  return { ...document, components: { ...document.components, schemas } };
}

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ ...closed(openapi), $id: 'openapi' });

const pointer = (...parts) => `openapi#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

/** Fails unless this is a value of the schema at this place of the document. */
function assertFits(what, value, ...place) {
  const check = ajv.getSchema(pointer(...place)) ?? assert.fail(`no schema at ${place.join(' ')}`);
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(value)}`);
}

const JSON_BODY = ['content', 'application/json', 'schema'];
const operations = Object.entries(openapi.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })));
const found = (id) => operations.find((operation) => operation.operationId === id);

/** Fails unless an operation may answer this; → the body. */
function assertDocumented(operation, { status, headers, body }) {
  const { method, path } = operation;
  const what = `${method} ${path} ${status}`;
  const response = operation.responses[status] ?? assert.fail(`${what} is not documented: ${JSON.stringify(body)}`);
  const [media] = headers.get('content-type').split(';');
  assert.ok(headers.get('x-request-id'), what);
  const place = response.$ref ? ['components', 'responses', response.$ref.split('/').at(-1)] : ['paths', path, method, 'responses', String(status)];
  assertFits(what, body, ...place, 'content', media, 'schema');
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    const { required } = openapi.components.headers[header.$ref.split('/').at(-1)];
    assert.ok(!required || headers.get(name), `${what} has ${name}`);
  }
  return body;
}

/** The fields of an operation's body. */
function fields(operation) {
  const resolve = (schema) => (schema.$ref ? openapi.components.schemas[schema.$ref.split('/').at(-1)] : schema);
  const schema = resolve(operation.requestBody.content['application/json'].schema);
  return Object.assign({}, schema.properties, ...(schema.allOf ?? []).map((part) => resolve(part).properties));
}

export default (trackMate) =>
  describe('the OpenAPI document', () => {
    const world = {};
    after(() => world.receiver?.close());

    /** A company in which every operation has something to work on. */
    const prepare = async () => {
      if (world.c) return world;
      const c = await newCompany(trackMate());
      const receiver = await startReceiver();
      world.receiver = receiver;
      const webhook = await c.subscribe(`${receiver.url}/hook`, ['payment_processed']);
      const { profileId } = (await c.server({ email: 'ada@example.com' }, 'payment_processed', { eventData: { amount: 1, currency: 'USD' } })).body;
      const other = (await c.server({ email: 'ada@work.example' }, 'booking.created', { eventData: { booking: { id: 'b-1', service: 'Haircut' } } })).body.profileId;
      for (const eventType of ['booking.created', 'qr.created', 'conversation.created', 'message.sent', 'order.created']) {
        const name = eventType.split('.')[0];
        await c.server({ userId: profileId }, eventType, { eventData: { [name === 'qr' ? 'qrCode' : name]: { id: 'x-1', text: 'said' } } });
      }
      const exported = (await c.get('/api/admin/export/users/csv')).headers.get('x-export-id');
      const delivery = await until('a delivery', async () => (await c.deliveries(webhook.id)).find((d) => d.status === 'delivered'));
      // What came at the receiver is what the document says of deliveries.
      const { parameters } = openapi.webhooks.delivery.post;
      for (const { json, headers } of receiver.requests) {
        assertFits('a delivery', json, 'webhooks', 'delivery', 'post', 'requestBody', ...JSON_BODY);
        for (const { name, required } of parameters) assert.ok(!required || headers[name.toLowerCase()], name);
      }
      const operator = { authorization: `Bearer ${trackMate().operatorKey}` };
      const spare = (await trackMate().call('POST', `/api/operator/companies/${c.companyId}/keys`, { scope: 'server' }, operator)).body.key;
      return Object.assign(world, { c, operator, other, ids: { users: profileId, webhooks: webhook.id, deliveries: delivery.id, companies: c.companyId, keys: spare.id, exports: exported } });
    };

    const credentials = ({ security }) => {
      const { c, operator } = world;
      const [scheme] = security.flatMap(Object.keys);
      return { undefined: {}, serverKey: c.key, adminKey: c.admin, operatorKey: operator }[scheme];
    };

    const call = ({ method, path }, body, headers, ids = world.ids, query = '') =>
      trackMate().call(method.toUpperCase(), path.replace('{format}', 'json').replaceAll(/([a-z]+)\/\{\w+\}/g, (_, things) => `${things}/${encodeURIComponent(ids[things])}`) + query, body, headers);

    /** An example with this company and a receiver that is there. */
    const own = (example) => {
      const mine = { 'TM-SHOP99': world.c.companyId, 'https://crm.example': world.receiver.url, '5f1c0a9b8d7e6f5a4b3c2d1e': world.ids.users, '0a9b8c7d6e5f4a3b2c1d0e9f': world.other };
      return JSON.parse(Object.entries(mine).reduce((text, [shown, real]) => text.replaceAll(shown, real), JSON.stringify(example)));
    };

    test('is served as the repository has it, to any page', async () => {
      const served = await fetch(`${trackMate().url}/openapi.json`, { headers: { origin: 'https://editor.example' } });
      assert.equal(served.headers.get('access-control-allow-origin'), '*');
      assert.match(served.headers.get('content-type'), /^application\/json/);
      assert.deepEqual(await served.json(), openapi);
    });

    test('has examples that fit its own schemas', () => {
      assert.ok(operations.length > 30);
      for (const { path, method, requestBody } of operations) {
        const place = ['paths', path, method];
        for (const [media, { example }] of Object.entries(openapi.paths[path][method].responses[200].content)) {
          assertFits(`${method} ${path}, its answer`, example, ...place, 'responses', '200', 'content', media, 'schema');
        }
        if (requestBody) assertFits(`${method} ${path}, its body`, requestBody.content['application/json'].example, ...place, 'requestBody', ...JSON_BODY);
      }
    });

    test('tells what every operation answers to its own example', async () => {
      await prepare();
      // What deletes comes last, each after what needs it; what is asked about an erasure, after it.
      const last = ['deleteWebhook', 'revokeKey', 'eraseUser', 'getErasure', 'liftTombstone'];
      const order = [...operations.filter((o) => !last.includes(o.operationId)), ...last.map(found)];
      for (const operation of order) {
        const example = operation.requestBody?.content['application/json'].example;
        const answer = await call(operation, example && own(example), credentials(operation));
        assert.equal(answer.status, 200, `${operation.operationId}: ${JSON.stringify(answer.body)}`);
        assertDocumented(operation, answer);
        const shown = operation.responses[200].content['application/json']?.example;
        const missing = Object.keys(shown ?? {}).filter((name) => !(name in answer.body));
        assert.deepEqual(missing, [], `${operation.operationId} answers all that its example shows`);
      }
    });

    test('tells how every operation refuses: no key, wrong keys, strangers’ ids, and every field with values that it cannot have', async () => {
      const c = await newCompany(trackMate());
      const webhook = await c.subscribe(`${world.receiver.url}/hook`, ['nothing']);
      Object.assign(world, { c, ids: { ...world.ids, users: (await c.identify(c.session(), 'b@example.com')).body.profileId, webhooks: webhook.id } });
      const strange = { users: 'nobody', webhooks: 'wh_nothing', deliveries: 'd', companies: 'TM-NOBODY', keys: 'key_0', exports: 'exp_0' };
      const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`);
      const wrong = [1e6, '', 'undefined', 'x'.repeat(3000), [5], deep];
      const strangers = { company_id: ['TM-NOBODY1'], sessionId: ['webhook_1'], email: ['x'], identifier: [{ email: 'x' }, { sessionId: 'null' }, { userId: 'nobody' }], graceHours: [-1] };
      const refuse = async (operation) => {
        const [headers, seen] = [credentials(operation), new Set()];
        const ask = async (...how) => seen.add(assertDocumented(operation, await call(operation, ...how)).code);
        const example = operation.requestBody && own(operation.requestBody.content['application/json'].example);
        // The webhooks that this makes want none of the events that it makes.
        if (operation.operationId === 'addWebhook') example.events = ['nothing'];
        if (operation.security.length) {
          for (const keys of [{}, { authorization: 'Bearer wrong' }, { 'x-admin-id': c.serverKey, 'x-trackmate-api-key': c.adminKey, authorization: `Bearer ${c.serverKey}` }]) await ask(example, keys);
        }
        if (operation.path.includes('{')) await ask(example, headers, strange);
        if (example) {
          const names = [...Object.keys(fields(operation)), 'another'];
          for (const body of ['', '[', '{"a":', '[]', 'null', '{}', deep, new Uint8Array([0x1f, 0x8b, 0])]) await ask(body, headers);
          for (const name of names) for (const value of [...wrong, ...(strangers[name] ?? [])]) await ask({ ...example, [name]: value }, headers);
        }
        for (const { name } of (operation.parameters ?? []).filter((parameter) => parameter.in === 'query')) {
          for (const value of ['', '0', '-', 'undefined', '!', 'bm8']) await ask(example, headers, world.ids, `?${name}=${value}`);
        }
        const refused = [...seen].filter(Boolean);
        const documented = Object.entries(operation.responses).filter(([status]) => status !== '200' && status !== '500').length;
        assert.ok(refused.length >= Math.min(documented, 3), `${operation.operationId} was refused with ${refused}`);
      };
      // Side by side: D1 and the Worker have nothing to wait for.
      await Promise.all(operations.filter((o) => o.operationId !== 'health').map(refuse));
    });
  });
