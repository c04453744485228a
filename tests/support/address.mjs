// The address of a deployment in the fake account of cloudflare.mjs: the real Worker, which starts
// when it is deployed.
import { createServer } from 'node:http';
import { startTrackMate } from './harness.mjs';

/** The Worker starts when the account has its script and its secrets. It has so many `cells`. */
export async function startAddress(account, cells = 1) {
  let worker;
  const server = createServer(async (request, response) => {
    if (!account.script) return response.writeHead(404).end('nothing is deployed here');
    worker ??= startTrackMate({}, null, { operatorKey: account.secrets.OPERATOR_KEY, cells });
    const { url } = await worker;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const own = ['host', 'connection', 'content-length'];
    const headers = Object.entries(request.headers).filter(([name]) => !own.includes(name));
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    const answer = await fetch(url + request.url, { method: request.method, headers, body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    return response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What the cron of the deployment does. */
    sweep: async () => (await worker).sweep(),
    close: async () => {
      server.close().closeAllConnections();
      await (await worker)?.close();
    },
  };
}
