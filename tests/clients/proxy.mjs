// A server in front of the Worker that is not always well. What clients send goes through it untouched.
import { createServer } from 'node:http';

const TROUBLES = {
  /** Too many requests. */
  429: { status: 429, headers: { 'retry-after': '1' } },
  /** Out of order. */
  503: { status: 503 },
  /** The Worker takes the request, and the client never hears of it. */
  lost: { status: 503, forwards: true },
};

/**
 * Starts it on a free loopback port. Each POST meets the next of `troubles` (names of the above), then none any more.
 * → {url, met, sent, replay, close}: the troubles that were met, all that was forwarded, and a function that sends all of it once more.
 */
export async function startProxy(target, troubles) {
  const [left, met, sent] = [[...troubles], [], []];
  const forward = async ({ method, path, headers, body }) => {
    const { host: _, connection: __, 'content-length': ___, 'transfer-encoding': ____, expect: _____, ...kept } = headers;
    return fetch(target + path, { method, headers: kept, ...(body.length ? { body } : {}) });
  };
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', async () => {
      const request = { method: incoming.method, path: incoming.url, headers: incoming.headers, body: Buffer.concat(chunks) };
      const name = request.method === 'POST' && left.shift();
      const trouble = name && TROUBLES[name];
      if (trouble) met.push(name);
      const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' };
      try {
        let answer;
        if (!trouble || trouble.forwards) {
          answer = await forward(request);
          if (request.method === 'POST') sent.push({ ...request, status: answer.status });
        }
        if (trouble) return void outgoing.writeHead(trouble.status, { ...cors, ...trouble.headers }).end('{"success":false,"code":"unavailable","message":"not now"}');
        const headers = Object.fromEntries([...answer.headers].filter(([header]) => !['content-encoding', 'content-length', 'transfer-encoding'].includes(header)));
        outgoing.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()));
      } catch (error) {
        outgoing.writeHead(502).end(String(error));
      }
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    met,
    sent,
    /** What the Worker answers to all that it was sent, sent once more. */
    replay: async () => {
      const answers = [];
      for (const request of [...sent]) answers.push(await (await forward(request)).json());
      return answers;
    },
    close: () => new Promise((closed) => server.close(closed).closeAllConnections()),
  };
}
