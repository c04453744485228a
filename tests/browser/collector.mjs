// The outside world of the SDK's own scenarios: one scripted server that gives out www/dist with its real headers and takes
// events and profiles, well or badly, as the test says.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const DIST = new URL('../../www/dist/', import.meta.url);
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css', '.svg': 'image/svg+xml' };

export async function startCollector() {
  const { securityPolicy, sdk } = await fileHeaders();
  /** Every request to the API, in the order of arrival: `{method, path, contentType, body, status}`. */
  const requests = [];
  const collector = {
    requests,
    /** Says how the next requests are answered: a status, `[status, headers, body]`, or `'cut'` for a broken connection. */
    script: () => 200,
    /** Events that were accepted, each with its session, in the order of arrival. */
    accepted: () =>
      requests
        .filter(({ path, status }) => path === '/api/events' && status === 200)
        .flatMap(({ body }) => body.events.map((event) => ({ ...event, sessionId: body.sessionId }))),
    names: () => collector.accepted().map(({ eventType }) => eventType),
    clear: () => requests.splice(0),
    close: () => new Promise((done) => server.close(done).closeAllConnections()),
  };

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (!pathname.startsWith('/api/')) return file(pathname, response);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    const scripted = collector.script({ pathname, body });
    const [status, headers = {}, answer = good(pathname)] = Array.isArray(scripted) ? scripted : [scripted];
    requests.push({ method: request.method, path: pathname, contentType: request.headers['content-type'], body, status });
    if (status === 'cut') return request.socket.destroy();
    const exposed = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' };
    response.writeHead(status, { 'Content-Type': 'application/json', ...exposed, ...headers });
    response.end(JSON.stringify(status === 200 ? answer : { success: false, code: 'scripted', message: 'as the test says', ...answer }));
  });

  async function file(pathname, response) {
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const bytes = await readFile(new URL(`.${path}`, DIST)).catch(() => undefined);
    const cors = pathname.startsWith('/sdk/') ? sdk : {};
    response.writeHead(bytes ? 200 : 404, { 'Content-Type': TYPES[extname(path)] ?? 'text/plain', ...securityPolicy, ...cors });
    response.end(bytes);
  }

  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  collector.url = `http://127.0.0.1:${server.address().port}`;
  return collector;
}

function good(path) {
  return path === '/api/profile' ? { success: true, profileId: 'profile-1' } : { success: true, accepted: 1, duplicates: 0, rejected: [] };
}

/** What `_headers` says for every file and for the SDK. */
async function fileHeaders() {
  const rules = {};
  let path = '';
  for (const line of (await readFile(new URL('_headers', DIST), 'utf8')).split('\n')) {
    if (line.startsWith('/')) rules[(path = line.trim())] = {};
    const [, name, value] = /^\s+([\w-]+): (.*)$/.exec(line) ?? [];
    if (name) rules[path][name] = value;
  }
  return { securityPolicy: rules['/*'], sdk: rules['/sdk/*'] };
}
