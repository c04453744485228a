// The start page of `make dev` and `trackmate dev`: one click sends an event and opens the dashboard,
// which shows it. The process that has the demo company's keys serves it, on this machine only. Not
// part of a deployment.
import { createServer } from 'node:http';

const STYLE = `:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; }
body { max-width: 40rem; margin: 10vh auto; padding: 0 1.2rem; }
button, a.button { font: inherit; font-weight: 600; padding: 0.6rem 1.2rem; border-radius: 8px; cursor: pointer; }
button, a.button { border: 1px solid #3538cd; background: #3538cd; color: #fff; text-decoration: none; }
a.button { background: none; color: light-dark(#3538cd, #a3a6ff); }
p.go { display: flex; gap: 0.8rem; flex-wrap: wrap; }
code { font: 0.9em ui-monospace, monospace; }`;

const page = ({ url, companyId }) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>TrackMate runs</title>
    <link rel="icon" href="${url}/icon.svg" />
    <style>${STYLE}</style>
  </head>
  <body>
    <h1>TrackMate runs</h1>
    <p>Your click is an event. The browser SDK sends it from this page to the Worker, and the dashboard shows it.</p>
    <p class="go">
      <button id="live" type="button">Watch it live</button>
      <a class="button" href="${url}/shop/" target="_blank" rel="noopener">Open the demo shop</a>
      <a class="button" href="${url}/docs/" target="_blank" rel="noopener">Read the docs</a>
    </p>
    <p id="status" role="status"></p>
    <script type="module">
      import TrackMate from '${url}/sdk/trackmate.js';
      TrackMate.init('${companyId}', '${url}');
      const dashboards = new Set();
      addEventListener('message', async ({ source, origin, data }) => {
        if (!dashboards.has(source) || origin !== '${url}' || data !== 'trackmate:dashboard-ready') return;
        const { adminKey } = await (await fetch('/key', { method: 'POST', headers: { 'x-start-page': '1' } })).json();
        source.postMessage({ trackmateAdminKey: adminKey }, '${url}');
      });
      document.getElementById('live').addEventListener('click', async () => {
        TrackMate.track('start_page_clicked', { text: 'Watch it live' });
        void TrackMate.flush();
        const opened = window.open('${url}/dashboard/#/${companyId}/live');
        if (opened) dashboards.add(opened);
        document.getElementById('status').textContent = opened
          ? 'The dashboard is open in another tab.'
          : 'Your browser blocked the dashboard window. Allow it and click again.';
      });
    </script>
  </body>
</html>
`;

/** Reads the company from a request of the shop's page. */
async function companyOf(request) {
  let text = '';
  for await (const chunk of request) if ((text += chunk).length > 1024) throw new Error('the body is too large');
  return JSON.parse(text).company;
}

/**
 * Serves the page on this port. Returns the server. Only the page itself gets the key: the request
 * needs a header that other sites cannot send, and a local host name. `POST /shop` `{company}`
 * starts that company's shop server and answers `{port}`; only the demo shop's pages (`origins`)
 * may send it.
 */
export function serveStartPage(port, { url, companyId, adminKey, origins = [url], openShop }) {
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').split(':')[0];
    const send = (status, type, text) =>
      response
        .writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-frame-options': 'DENY' })
        .end(text);
    if (!['localhost', '127.0.0.1'].includes(host)) return send(421, 'text/plain', 'not here');
    if (request.url === '/shop' && origins.includes(request.headers.origin)) {
      const json = (status, body) => send(status, 'application/json', JSON.stringify(body));
      for (const [name, value] of [
        ['origin', request.headers.origin],
        ['headers', 'content-type'],
      ])
        response.setHeader(`access-control-allow-${name}`, value);
      if (request.method === 'OPTIONS') return send(204);
      const opened = companyOf(request).then(openShop);
      return opened.then(
        (shop) => json(200, shop),
        (error) => json(400, { message: error.message }),
      );
    }
    if (request.method === 'GET' && request.url === '/')
      return send(200, 'text/html; charset=utf-8', page({ url, companyId }));
    if (request.method === 'POST' && request.url === '/key' && request.headers['x-start-page'] === '1')
      return send(200, 'application/json', JSON.stringify({ adminKey }));
    return send(404, 'text/plain', 'not here');
  });
  return new Promise((listening, failed) =>
    server.once('error', failed).listen(port, '127.0.0.1', () => listening(server)),
  );
}
