// The document of the API against the API: every example is sent, and what the Worker answers, good or bad, is what the document says.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { REFUSED_WITHOUT_CELLS, callOperation, credentials as credentialsOf, found, inOrder, openapi, operations, ownExample, prepareCompany } from '../support/operations.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

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
      Object.assign(world, await prepareCompany(trackMate()));
      // What came at the receiver is what the document says of deliveries.
      const { parameters } = openapi.webhooks.delivery.post;
      for (const { json, headers } of world.receiver.requests) {
        assertFits('a delivery', json, 'webhooks', 'delivery', 'post', 'requestBody', ...JSON_BODY);
        for (const { name, required } of parameters) assert.ok(!required || headers[name.toLowerCase()], name);
      }
      return world;
    };

    const credentials = (operation) => credentialsOf(world, operation);
    const call = (operation, ...how) => callOperation({ ...world, trackMate: trackMate() }, operation, ...how);
    const own = (example) => ownExample(world, example);

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
      for (const operation of inOrder()) {
        const example = operation.requestBody?.content['application/json'].example;
        const answer = await call(operation, example && own(example), credentials(operation));
        const refusal = REFUSED_WITHOUT_CELLS[operation.operationId];
        assert.equal(answer.status, refusal ?? 200, `${operation.operationId}: ${JSON.stringify(answer.body)}`);
        assertDocumented(operation, answer);
        if (refusal) continue;
        const shown = operation.responses[200].content['application/json']?.example;
        const missing = Object.keys(shown ?? {}).filter((name) => !(name in answer.body));
        assert.deepEqual(missing, [], `${operation.operationId} answers all that its example shows`);
      }
    });

    test('knows every parameter and field that admins and the operator may send: any other is refused by its name', async () => {
      await prepare();
      const isClosed = ({ requestBody }) => {
        const resolve = (schema) => (schema.$ref ? openapi.components.schemas[schema.$ref.split('/').at(-1)] : schema);
        const schema = resolve(requestBody.content['application/json'].schema);
        return [schema, ...(schema.allOf ?? []).map(resolve)].some((part) => part.additionalProperties === false);
      };
      const open = [];
      const ours = operations.filter(({ security }) => security.some((one) => 'adminKey' in one || 'operatorKey' in one));
      assert.ok(ours.length > 40);
      for (const operation of ours) {
        const refuses = async (...how) => {
          const answer = await call(operation, ...how);
          assertProblem(answer, 400, 'invalid_field', 'nope');
          assertDocumented(operation, answer);
        };
        await refuses(undefined, credentials(operation), world.ids, '?nope=1');
        if (!operation.requestBody) continue;
        if (isClosed(operation)) await refuses({ ...own(operation.requestBody.content['application/json'].example), nope: 1 }, credentials(operation));
        else open.push(operation.operationId);
      }
      assert.deepEqual(open, ['changeUser', 'setCustomFields'], 'what takes traits and fields of any name');
    });

    test('tells what users, exports and identities look like when there is more of them than in an example', async () => {
      const c = await newCompany(trackMate());
      const ask = async (id, { ids = {}, query = '', body, headers = c.admin, format = 'json' } = {}) => {
        const operation = found(id);
        const answer = await call({ ...operation, path: operation.path.replace('{format}', format) }, body, headers, ids, query);
        return { ...answer, body: assertDocumented(operation, answer) };
      };
      const fine = async (id, how) => {
        const answer = await ask(id, how);
        assert.equal(answer.status, 200, `${id}: ${JSON.stringify(answer.body)}`);
        return answer.body;
      };
      const refused = async (code, id, how) => assert.equal((await ask(id, how)).body.code, code, id);
      const user = (await c.server({ email: 'ada@example.com' }, 'payment_processed', { eventData: { amount: 1, currency: 'USD' } })).body.profileId;
      const other = (await c.identify(c.session(), 'ada@work.example', { messageId: 'said-1' })).body.profileId;
      for (const [eventType, eventData] of Object.entries({
        'booking.created': { booking: { id: 'b' } }, 'qr.scanned': { qrCode: { id: 'q' } }, 'conversation.created': { conversation: { id: 'c' } }, 'message.sent': { text: 'Hi' },
        'order.made': { order: { id: 1 } },
      })) await c.server({ userId: user }, eventType, { eventData });
      const whole = '?includeBookings=true&includeQRCodes=true&includeInteractions=true&includeConversations=true&include=order';
      const shown = (users) => {
        for (const one of users) assertFits('a user', one, 'components', 'schemas', 'UserWith');
        return users.find((one) => one.id === user);
      };
      for (const seen of [
        (await fine('getUser', { ids: { users: user }, query: whole })).user,
        shown((await fine('listUsers', { query: whole })).users),
        shown((await fine('listUsers', { query: `${whole}&email=ada@example.com` })).users),
        shown((await fine('exportUsers', { query: whole })).users),
      ]) for (const one of ['bookings', 'qrCodes', 'interactionHistory', 'conversations']) assert.equal(seen[one].length, 1, one);
      await fine('listRecords', { ids: { users: user }, query: '?kind=booking,order' });
      await refused('invalid_field', 'listRecords', { ids: { users: user }, query: '?kind=a.b' });
      await refused('invalid_field', 'getUser', { ids: { users: user }, query: '?includeBookings=yes' });

      // Exports in every format, of these columns or all.
      for (const id of ['exportUsers', 'exportEvents']) {
        for (const format of ['csv', 'json', 'ndjson']) for (const query of ['', `?limit=1&fields=${id === 'exportUsers' ? 'id,traits' : 'eventType,eventData.amount'}`]) await fine(id, { format, query });
        await refused('invalid_field', id, { query: '?hasTga=vip' });
        await refused('not_found', id, { format: 'xlsx' });
      }
      for (const { events } of [await fine('exportEvents'), await fine('exportUser', { ids: { users: user } })]) {
        assert.ok(events.length > 1);
        for (const event of events) assertFits('an event', event, 'components', 'schemas', 'ExportedEvent');
      }
      await refused('invalid_cursor', 'exportEvents', { query: '?after=browser:nothing' });
      await refused('invalid_field', 'exportUsers', { format: 'csv', query: '?include=order' });
      const { exports } = await fine('listExports');
      await fine('getExport', { ids: { exports: exports[0].id } });
      assert.ok((await fine('listAudit', { query: '?action=export.events' })).entries.length > 3);
      await refused('invalid_field', 'listAudit', { query: '?action=export' });

      // Two are one, and two again; an identify is taken back.
      await refused('unknown_user', 'mergeUsers', { body: { into: user, from: 'nobody' } });
      await refused('conflict', 'changeUser', { ids: { users: user }, body: { email: 'ada@work.example' } });
      await fine('mergeUsers', { body: { into: user, from: other } });
      const known = await fine('listIdentities', { ids: { users: user } });
      assert.deepEqual([known.addresses.length, known.merged.length, known.links.length], [2, 1, 1]);
      await fine('undoIdentity', { body: { profileId: other } });
      assert.equal((await fine('undoIdentity', { body: { messageId: 'said-1' } })).removed, true);
      await refused('not_found', 'undoIdentity', { body: { messageId: 'said-1' } });
      await refused('missing_field', 'undoIdentity', { body: {} });
      await fine('changeUser', { ids: { users: user }, body: { email: 'ada@new.example' } });
      assert.equal((await fine('listIdentities', { ids: { users: user } })).addresses.length, 2);
      const joined = { identifier: { userId: user, email: 'ada@third.example' }, merge: true, eventType: 'x' };
      assert.equal((await fine('addServerEvents', { headers: c.key, body: joined })).profileId, user);
      await refused('missing_field', 'addServerEvents', { headers: c.key, body: { ...joined, identifier: { userId: user } } });

      // Whom a page must prove.
      assert.equal((await fine('changeSettings', { body: { identityVerification: 'required' } })).settings.identitySecret.length, 64);
      const claim = { company_id: c.companyId, sessionId: c.session(), email: 'bob@example.com' };
      for (const id of ['identify', 'addContact']) await refused('identity_unproved', id, { headers: {}, body: claim });

      await refused('not_found', 'getErasure', { ids: { users: user } });
      await fine('eraseUser', { ids: { users: user } });
      for (const id of ['getUser', 'listRecords', 'listIdentities', 'exportUser']) await refused('erased_user', id, { ids: { users: user } });
      await refused('erased_user', 'mergeUsers', { body: { into: user, from: user } });
      assert.equal((await fine('liftTombstone', { body: { email: 'nobody@example.com' } })).lifted, false);
      await refused('invalid_email', 'liftTombstone', { body: { email: 'ada' } });
    });

    test('tells how every operation refuses: no key, wrong keys, strangers’ ids, and every field with values that it cannot have', async () => {
      const c = await newCompany(trackMate());
      const webhook = await c.subscribe(`${world.receiver.url}/hook`, ['nothing']);
      Object.assign(world, { c, ids: { ...world.ids, users: (await c.identify(c.session(), 'b@example.com')).body.profileId, webhooks: webhook.id } });
      const strange = { users: 'nobody', webhooks: 'wh_nothing', deliveries: 'd', companies: 'TM-NOBODY', keys: 'key_0', exports: 'exp_0', groups: 'grp_0', events: 'nothing', projects: 'TM-NOBODY', array: 'TM-NOBODY', cells: 'CELL_NONE' };
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
        if (operation.security.some((one) => 'adminKey' in one || 'operatorKey' in one)) await ask(example, headers, world.ids, '?nope=1');
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
      // No request can make /healthz or /readyz refuse; tests/api/health.mjs breaks what /readyz looks at.
      await Promise.all(operations.filter((o) => !['health', 'ready'].includes(o.operationId)).map(refuse));
      // The restore that this began stops the sweep.
      const { body } = await trackMate().call('DELETE', '/api/operator/restore', undefined, { authorization: `Bearer ${trackMate().operatorKey}` });
      assert.equal(body.complete, true);
    });
  });
