// A scripted server for the SDK's scenarios. It serves www/dist with its real headers and pages
// that load the SDK, and accepts or refuses events and profiles as the test scripts it. With
// `upstream`, the real Worker answers what it would accept.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const DIST = new URL('../../www/dist/', import.meta.url);
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.map': 'application/json',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/**
 * Pages that start the SDK with the query `company`, `api` and `options`: as a module, or with the
 * stub.
 */
const PAGES = {
  '/visit.html': `<!doctype html><title>Visit</title><script type="module" src="/visit.js"></script><h1>Visit</h1>`,
  '/images.html': `<!doctype html><title>Images</title><script type="module" src="/visit.js"></script>
    <img src="/image.png">`,
  '/visit.js': `import sdk from '/sdk/trackmate.js';
    const query = new URLSearchParams(location.search);
    window.sdk = sdk;
    const options = JSON.parse(query.get('options') ?? '{}');
    sdk.init(query.get('company'), query.get('api'), options);
    if (!options.pageViews) sdk.trackPageView();`,
  '/stub.html': `<!doctype html><title>Stub</title><script src="/sdk/stub.js"></script>
    <script src="/stub-calls.js"></script>
    <script async src="/sdk/trackmate.classic.js"></script><h1>Stub</h1>`,
  '/stub-calls.js': `const query = new URLSearchParams(location.search);
    TrackMate.init(query.get('company'), query.get('api'), JSON.parse(query.get('options') ?? '{}'));
    TrackMate.trackPageView();
    window.sdk = TrackMate;`,
  '/classic.html': `<!doctype html><title>Classic</title><script src="/sdk/trackmate.classic.js"></script>
    <h1>Classic</h1>`,
  '/elsewhere.html': `<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>`,
};

export async function startCollector({ upstream } = {}) {
  const { securityPolicy, sdk } = await fileHeaders();
  /**
   * Every request to the API, in the order of arrival: `{method, path, contentType, headers, body,
   * status}`.
   */
  const requests = [];
  const collector = {
    requests,
    /**
     * Returns the answer to a request: a status, `[status, headers, body]`, `'cut'` for a broken
     * connection, or a promise.
     */
    script: () => 200,
    /** Headers of the pages in place of the real ones. */
    policy: undefined,
    /** By path: a file is served when this promise resolves. */
    hold: {},
    /** More pages, by path. */
    pages: {},
    /** The URL at which a scenario starts. */
    startUrl: '',
    /** Accepted events, each with its session and context, in the order of arrival. */
    accepted: () =>
      requests
        .filter(({ path, status }) => path.endsWith('/events') && status === 200)
        .flatMap(({ body }) =>
          body.events.map((event) => ({ ...event, sessionId: body.sessionId, context: body.context })),
        ),
    names: () => collector.accepted().map(({ eventType }) => eventType),
    clear: () => {
      requests.splice(0);
      collector.script = () => 200;
      collector.policy = undefined;
      collector.hold = {};
      collector.pages = {};
    },
    /** The URL of a page that loads the SDK, with `api` as its API. */
    page: (path, { company = 'TM-TEST', api = collector.url, options = {} } = {}) =>
      `${collector.url}${path}?${new URLSearchParams({ company, api, options: JSON.stringify(options) })}`,
    close: () => new Promise((done) => server.close(done).closeAllConnections()),
  };

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (request.method === 'GET') return file(pathname, response);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body = text ? JSON.parse(text) : undefined;
    const entry = {
      method: request.method,
      path: pathname,
      contentType: request.headers['content-type'],
      headers: request.headers,
      body,
      bytes: text.length,
    };
    const scripted = await collector.script(entry);
    const [status, headers = {}, answer = good(pathname)] = Array.isArray(scripted) ? scripted : [scripted];
    const exposed = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' };
    if (upstream && status === 200) {
      const taken = await fetch(upstream + pathname, {
        method: 'POST',
        body: text,
        headers: { 'content-type': 'text/plain' },
      });
      requests.push({ ...entry, status: taken.status });
      response.writeHead(taken.status, { 'Content-Type': 'application/json', ...exposed });
      return response.end(await taken.text());
    }
    requests.push({ ...entry, status });
    if (status === 'cut') return request.socket.destroy();
    response.writeHead(status, { 'Content-Type': 'application/json', ...exposed, ...headers });
    response.end(
      JSON.stringify(
        status === 200 ? answer : { success: false, code: 'scripted', message: 'scripted by the test', ...answer },
      ),
    );
  });

  async function file(pathname, response) {
    await collector.hold[pathname];
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const bytes =
      collector.pages[path] ?? PAGES[path] ?? (await readFile(new URL(`.${path}`, DIST)).catch(() => undefined));
    const cors = pathname.startsWith('/sdk/') ? sdk : {};
    const policy = collector.policy ?? securityPolicy;
    response.writeHead(bytes ? 200 : 404, {
      'Content-Type': `${TYPES[extname(path)] ?? 'text/plain'}; charset=utf-8`,
      ...policy,
      ...cors,
    });
    response.end(bytes);
  }

  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  collector.url = `http://127.0.0.1:${server.address().port}`;
  /** The same server under another host name, which is another origin. */
  collector.otherOrigin = `http://localhost:${server.address().port}`;
  return collector;
}

/** Events without repeats. */
export const unique = (events) => [...new Map(events.map((event) => [event.messageId, event])).values()];

function good(path) {
  return path.endsWith('/profile')
    ? { success: true, profileId: 'profile-1' }
    : { success: true, accepted: 1, duplicates: 0, rejected: [] };
}

/** The headers in `_headers` for every file and for the SDK. */
async function fileHeaders() {
  const rules = {};
  let path = '';
  for (const line of (await readFile(new URL('_headers', DIST), 'utf8')).split('\n')) {
    if (/^[^\s#]/.test(line)) rules[(path = line.trim())] = {};
    const [, name, value] = /^\s+([\w-]+): (.*)$/.exec(line) ?? [];
    if (name) rules[path][name] = value;
  }
  // These pages run the SDK as the demo shop does on localhost, where it may send to another port.
  return { securityPolicy: { ...rules['/*'], ...rules['https://localhost/shop/*'] }, sdk: rules['/sdk/*'] };
}
