// `trackmate mcp` as a process, with the real Worker: its tools answer what the API answers, and
// nothing that a client sends ends it or reaches anything else.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { commandLine, EXIT, trackmate } from './support/cli.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { startMcp, STATELESS } from './support/mcp.mjs';
import { openapi, operations, prepareCompany } from './support/operations.mjs';

const { paths } = openapi;
const isFile = ({ responses }) => responses[200].headers['x-export-id'];
const isStream = ({ responses }) => !responses[200].content['application/json'];
const reads = operations.filter(({ method, path }) => method === 'get' && path.startsWith('/api/admin/'));
const tools = reads.filter((operation) => !isFile(operation) && !isStream(operation));

describe('trackmate mcp', () => {
  const world = {};
  let mcp;
  before(async () => {
    world.trackMate = await startTrackMate();
    Object.assign(world, await prepareCompany(world.trackMate));
    mcp = startMcp(trackmate(), { TRACKMATE_URL: world.trackMate.url, TRACKMATE_ADMIN_KEY: world.c.adminKey });
  });
  after(async () => {
    await mcp?.close();
    await world.receiver?.close();
    await world.trackMate?.close();
  });

  test('each read of the admin API that is no file and no stream is a tool with its parameters', async () => {
    const { result } = await mcp.request('tools/list', { _meta: STATELESS });
    assert.ok(tools.length >= 25);
    assert.deepEqual(result.tools.map(({ name }) => name).sort(), tools.map(({ operationId }) => operationId).sort());
    for (const { name, title, inputSchema, annotations } of result.tools) {
      const { summary, parameters = [] } = tools.find(({ operationId }) => operationId === name);
      assert.equal(title, summary);
      assert.deepEqual(Object.keys(inputSchema.properties).sort(), parameters.map((one) => one.name).sort());
      assert.deepEqual(inputSchema.required, parameters.filter((one) => one.required).map((one) => one.name));
      assert.equal(annotations.readOnlyHint, true);
    }
  });

  test('each tool answers exactly what the API answers', async () => {
    for (const { operationId, path } of tools) {
      const values = {};
      const filled = path.replaceAll(/([a-z]+)\/\{(\w+)\}/g, (_, things, name) => {
        values[name] = world.ids[things];
        return `${things}/${encodeURIComponent(world.ids[things])}`;
      });
      assert.ok(!filled.includes('{'), filled);
      let shown;
      // What the API shows may still change, such as counts that are some seconds behind.
      await until(() => `the same answer of ${operationId}: ${shown}`, async () => {
        const { status, body } = await world.c.call('GET', filled, undefined, world.c.admin);
        const { text, isError } = await mcp.tool(operationId, values);
        shown = `${text} instead of ${JSON.stringify(body)}`;
        const answer = JSON.parse(text);
        if (isError !== (status !== 200)) return false;
        return isError ? answer.code === body.code : isDeepStrictEqual(answer, body);
      });
    }
  });

  test('filters of a list, of several values too, reach the API', async () => {
    const { id } = await world.c.user('ada@example.com');
    const set = async (method, path, body) => {
      const answer = await world.c.call(method, `/api/admin/users/${id}/${path}`, body, world.c.admin);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    };
    await set('POST', 'tags', { tags: ['a b', 'c&d'] });
    await set('PATCH', 'custom-fields', { plan: 'x=y' });
    const found = async (values) => {
      const { text, isError } = await mcp.tool('listUsers', values);
      assert.ok(!isError, text);
      return JSON.parse(text).users.map((user) => user.id);
    };
    assert.deepEqual(await found({ hasTag: ['a b', 'c&d'] }), [id]);
    assert.deepEqual(await found({ hasTag: ['a b', 'none'] }), []);
    assert.deepEqual(await found({ customField: { plan: 'x=y' } }), [id]);
    assert.deepEqual(await found({ customField: { plan: 'x' } }), []);
    assert.equal((await found({ limit: 1 })).length, 1);
  });

  test('a problem of the API is a result that the model can read', async () => {
    const unknown = await mcp.tool('getUser', { id: '000000000000000000000000' });
    assert.deepEqual([unknown.isError, JSON.parse(unknown.text).code], [true, 'unknown_user']);
    const wrong = await mcp.tool('listUsers', { limit: 100_000 });
    assert.deepEqual([wrong.isError, JSON.parse(wrong.text).field], [true, 'limit']);
  });

  test('no argument reaches another path or another host', async () => {
    const log = () => world.c.get('/api/admin/audit').then(({ body }) => body.entries.length);
    const entries = await log();
    const dots = ['', '.', '..', '../webhooks', '%2e%2e', 'a/../../webhooks', '\\..\\webhooks'];
    for (const id of [...dots, '?limit=1', '#', 'http://127.0.0.1:1/', '@127.0.0.1:1', '\u0000', 'é🙂']) {
      const { text, isError } = await mcp.tool('getUser', { id });
      assert.ok(isError, `${id}: ${text}`);
      assert.match(JSON.parse(text).code, /^(usage|unknown_user)$/, `${id}: ${text}`);
    }
    for (const messageId of ['stream', 'rejected', 'catalog']) {
      const { text, isError } = await mcp.tool('getReceipt', { messageId });
      assert.deepEqual([isError, JSON.parse(text).code], [true, 'usage']);
    }
    for (const name of ['eraseUser', 'createWebhook', 'exportUsers', 'streamIncoming', 'listCompanies', '__proto__']) {
      await assert.rejects(mcp.tool(name, {}), /-32602/);
    }
    assert.equal(await log(), entries);
  });

  test('messages that are not the protocol are answered with its errors, and the server goes on', async () => {
    const code = async (text) => {
      mcp.send(text);
      return (await mcp.next()).error.code;
    };
    assert.equal(await code('{"jsonrpc":'), -32700);
    assert.equal(await code('['.repeat(500_000)), -32700);
    assert.equal(await code('[]'), -32600);
    assert.equal(await code(`{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(5_000_000)}"}`), -32600);
    assert.equal(await code('{"jsonrpc":"2.0","id":1,"method":"tools/list"}'), -32602);
    // Neither of these has an answer.
    mcp.send('');
    mcp.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    assert.equal((await mcp.request('server/discover', { _meta: STATELESS })).result.resultType, 'complete');
  });

  test('without initialize, a version that is not supported is refused with those that are', async () => {
    const _meta = { ...STATELESS, 'io.modelcontextprotocol/protocolVersion': '1900-01-01' };
    const { error } = await mcp.request('tools/list', { _meta });
    assert.equal(error.code, -32022);
    const supported = ['2026-07-28', '2025-11-25', '2025-06-18', '2024-11-05'];
    assert.deepEqual(error.data, { supported, requested: '1900-01-01' });
  });

  test('a wrong key is a result without the key, and the server ends when its input ends', async () => {
    const secret = 'tm_admin_wrong_and_secret';
    const other = startMcp(trackmate(), { TRACKMATE_URL: world.trackMate.url, TRACKMATE_ADMIN_KEY: secret });
    const { text, isError } = await other.tool('getSettings', {});
    assert.deepEqual([isError, JSON.parse(text).code], [true, 'invalid_key']);
    const { code, errors } = await other.close();
    assert.deepEqual([code, errors], [EXIT.done, '']);
    assert.ok(!text.includes(secret), text);
  });

  test('without an address and a key the server says on standard error what is missing', async (t) => {
    const cli = commandLine();
    t.after(cli.close);
    const { code, stdout, stderr } = await cli.run(['mcp']);
    assert.deepEqual([code, stdout], [EXIT.usage, '']);
    assert.match(stderr, /TRACKMATE_URL/);
  });
});
