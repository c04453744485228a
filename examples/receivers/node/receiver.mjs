// A receiver of TrackMate's deliveries in plain Node (20 or newer), free to copy. It verifies both
// signatures over the raw body.
import crypto from 'node:crypto';
import { createServer } from 'node:http';

const { PORT = '3000', WEBHOOK_SECRET = '' } = process.env;
const BODY_BYTES_MAX = 1024 * 1024;
const TOLERANCE_S = 5 * 60;

if (!WEBHOOK_SECRET) {
  console.error("Set WEBHOOK_SECRET to the webhook's secret (whsec_…).");
  process.exit(1);
}

/**
 * Compares in constant time. timingSafeEqual throws if the lengths differ, so they are compared
 * first.
 */
function isEqual(given, expected) {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(expected)];
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}

/** X-Webhook-Signature: the hex HMAC-SHA256 of the body with the whole secret. */
function verifyWebhookSignature(payload, signature, secret) {
  const expectedSignature = crypto.createHmac('sha256', secret).update(payload).digest('hex');
  return isEqual(signature, expectedSignature);
}

/**
 * Standard Webhooks: covers id and time too, so that nobody can send an old delivery again. One
 * valid signature of several is enough.
 */
function verifyStandardWebhook(payload, headers, secret) {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const expected = crypto.createHmac('sha256', key).update(`${id}.${timestamp}.`).update(payload).digest('base64');
  return signatures.split(' ').some((signature) => isEqual(signature, `v1,${expected}`));
}

function isFromTrackMate(payload, headers) {
  // For some hours after the secret is rotated, deliveries have the old secret's signature too.
  const signatures = [headers['x-webhook-signature'], headers['x-webhook-signature-previous']];
  return (
    signatures.some((signature) => verifyWebhookSignature(payload, signature, WEBHOOK_SECRET)) &&
    verifyStandardWebhook(payload, headers, WEBHOOK_SECRET)
  );
}

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks) : undefined;
}

async function receive(request) {
  if (request.method !== 'POST') return [405, { error: 'Deliveries come by POST' }];
  const payload = await read(request);
  if (!payload) return [413, { error: 'Body too large' }];
  if (!isFromTrackMate(payload, request.headers)) return [401, { error: 'Invalid signature' }];
  let delivery;
  try {
    delivery = JSON.parse(payload);
  } catch {
    return [400, { error: 'Invalid JSON' }];
  }
  console.log(`Received ${delivery.event} at ${delivery.timestamp} (${request.headers['webhook-id']})`);
  // Your code: store the webhook-id and skip one that you have seen; do slow work after the answer.
  return [200, { received: true }];
}

const server = createServer(async (request, response) => {
  const [status, body] = await receive(request).catch(() => [400, { error: 'The body was cut short' }]);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Webhook receiver running on port ${PORT}`));
