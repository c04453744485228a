// A shop's server, as a customer of TrackMate would write it: plain Node, no packages. It sends
// the events that the browser cannot know (paid, shipped, delivered) to TrackMate, receives
// TrackMate's signed deliveries, and shows both to the demo shop.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const {
  PORT = '8788',
  TRACKMATE_URL = 'http://localhost:8787',
  TRACKMATE_API_KEY = '',
  TRACKMATE_ADMIN_KEY = '',
  COMPANY_ID = 'TM-SHOP99',
  WEBHOOK_SECRET = '',
  ALLOWED_ORIGIN = 'http://localhost:8787,http://127.0.0.1:8787',
} = process.env;

const BODY_BYTES_MAX = 1024 * 1024;
const LIST_LENGTH_MAX = 50;
const deliveries = [];
/** Events sent to TrackMate, newest first, for the demo's panel. */
const sent = [];
/** Prices come from the server. A page could send any price. */
const PRODUCTS = [
  { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99 },
  { productId: 'PROD-002', productName: 'Desk Speaker', price: 49.5 },
  { productId: 'PROD-003', productName: 'Travel Case', price: 19 },
];

function addFirst(list, entry) {
  list.unshift(entry);
  list.length = Math.min(list.length, LIST_LENGTH_MAX);
}

/**
 * Sends one event to TrackMate. The message id is made once, so that a repeat of the request would
 * be stored once.
 */
async function track(identifier, eventType, eventData, timestamp) {
  const body = { company_id: COMPANY_ID, identifier, eventType, eventData, timestamp, messageId: randomUUID() };
  const response = await fetch(`${TRACKMATE_URL}/api/webhooks/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-TrackMate-API-Key': TRACKMATE_API_KEY },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  addFirst(sent, { at: new Date().toISOString(), body, answer });
  if (!answer.success) throw new Error(`TrackMate refused ${eventType}: ${answer.code} ${answer.message}`);
  return answer;
}

/**
 * True if `signature` is the hex HMAC-SHA256 of exactly these bytes. Compare the raw body, before
 * any JSON parsing.
 */
function isSigned(rawBody, signature = '') {
  const expected = Buffer.from(createHmac('sha256', WEBHOOK_SECRET).update(rawBody).digest('hex'));
  const given = Buffer.from(signature);
  return WEBHOOK_SECRET !== '' && given.length === expected.length && timingSafeEqual(given, expected);
}

const routes = {
  // The customer pays. `times` is only for a demo that replays a past day.
  'POST /checkout': async ({ body }) => {
    const { email, sessionId, profileId, products = ['PROD-001'], times = {} } = JSON.parse(body);
    const orderId = `ORDER-${randomUUID().slice(0, 8)}`;
    const productInfos = products.map((id) => PRODUCTS.find(({ productId }) => productId === id)).filter(Boolean);
    const cents = productInfos.reduce((sum, { price }) => sum + Math.round(price * 100), 0);
    const paid = { orderId, amount: cents / 100, currency: 'USD', paymentMethod: 'card', productInfos };
    // Three ways to name the person of an event: the email address, the browser's session, and the
    // profile id that identify returned.
    await track({ email }, 'payment_processed', paid, times.payment_processed);
    const shipment = { orderId, carrier: 'USPS', trackingNumber: '12345' };
    await track({ sessionId }, 'order_shipped', shipment, times.order_shipped);
    const mail = { emailType: 'order_confirmation', provider: 'SendGrid' };
    await track({ userId: profileId }, 'email_delivered', mail, times.email_delivered);
    return [200, { success: true, orderId }];
  },

  // TrackMate delivers an event. Answer quickly; do slow work afterwards.
  'POST /webhooks/trackmate': async ({ body, request }) => {
    if (!isSigned(body, request.headers['x-webhook-signature'])) return [401, { success: false }];
    const { event, timestamp, data } = JSON.parse(body);
    addFirst(deliveries, { event, timestamp, data, receivedAt: new Date().toISOString() });
    return [200, { success: true }];
  },

  'GET /deliveries': async () => [200, { success: true, deliveries }],
  // Only for the demo's panel: a real shop's server would not publish the events that it sends.
  'GET /sent': async () => [200, { success: true, sent }],

  // Only for the demo's panel: a real shop would not show a person's timeline to everyone who
  // knows an id.
  'GET /timeline': async ({ url }) => {
    const id = encodeURIComponent(url.searchParams.get('profileId') ?? '');
    const headers = { 'X-Admin-ID': TRACKMATE_ADMIN_KEY };
    const response = await fetch(`${TRACKMATE_URL}/api/admin/users/${id}/timeline?order=asc&limit=100`, { headers });
    return [response.status, await response.json()];
  },
};

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answer(request) {
  if (request.method === 'OPTIONS') return [204];
  const url = new URL(request.url, 'http://localhost');
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) return [404, { success: false, message: 'there is no such page' }];
  try {
    return await route({ request, url, body: await read(request) });
  } catch (error) {
    console.error(`shop server: ${request.method} ${url.pathname}: ${error.message}`);
    return [502, { success: false, message: 'the request failed; the log of the shop server has the reason' }];
  }
}

createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Access-Control-Allow-Origin': ALLOWED_ORIGIN.split(',').find((origin) => origin === request.headers.origin) ?? '',
    'Access-Control-Allow-Headers': 'Content-Type',
    Vary: 'Origin',
  });
  response.end(body && JSON.stringify(body));
}).listen(Number(PORT), '127.0.0.1', () =>
  console.log(`shop server: http://127.0.0.1:${PORT}, events go to ${TRACKMATE_URL}`),
);
