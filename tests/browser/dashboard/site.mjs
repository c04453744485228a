// A customer's site at another origin: one page with HTML from the dashboard.
import { createServer } from 'node:http';

export async function startSite(t) {
  const site = { html: '' };
  const server = createServer((_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      .end(`<!doctype html><title>Shop</title><link rel="icon" href="data:,">${site.html}`),
  );
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => new Promise((closed) => server.close(closed).closeAllConnections()));
  site.url = `http://127.0.0.1:${server.address().port}`;
  return site;
}
