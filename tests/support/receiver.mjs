// The outside world: one scripted HTTP receiver. It knows TrackMate only by what arrives, and verifies with node's crypto alone.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * Starts a receiver on a free loopback port. `answer(request, number)` → a status, or {status, headers, body}, or a promise of it; `number` counts from 1.
 * → {url, requests, close}; a request is {path, headers, body, json, at}.
 */
export async function startReceiver(answer = () => 200) {
  const requests = [];
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', async () => {
      const body = Buffer.concat(chunks);
      const request = { path: incoming.url, headers: incoming.headers, body, json: JSON.parse(body), at: Date.now() };
      requests.push(request);
      const said = await answer(request, requests.length);
      const { status, headers = {}, body: text = 'ok' } = typeof said === 'number' ? { status: said } : said;
      outgoing.writeHead(status, headers).end(text);
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => new Promise((closed) => server.close(closed).closeAllConnections()),
  };
}

/** What the seeds' receivers do: HMAC-SHA256 of the raw body with the whole secret, lower-case hex, compared in constant time. */
export function isSigned({ headers, body }, secret) {
  const expected = Buffer.from(createHmac('sha256', secret).update(body).digest('hex'));
  const shown = Buffer.from(headers['x-webhook-signature'] ?? '');
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}

/** Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over id.timestamp.body with the decoded secret. */
export function isStandardSigned({ headers, body }, secret) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}
