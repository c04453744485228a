// The shop journey of the product's story, with its times: browser and server events of one person
// on one timeline.
import assert from 'node:assert/strict';
import { until, visit } from './browser.mjs';

const at = (minute) => `2025-10-18T10:${minute}:00.000Z`;
const PRODUCT = { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99 };

/** The seven events that the timeline must have: name, time, source. */
const JOURNEY = [
  ['page_view', at('00'), 'browser'],
  ['add_to_cart', at('05'), 'browser'],
  ['user_registered', at('08'), 'browser'],
  ['checkout_started', at('10'), 'browser'],
  ['payment_processed', at('12'), 'webhook'],
  ['order_shipped', at('15'), 'webhook'],
  ['email_delivered', at('16'), 'webhook'],
];

export async function journeyOnOneTimeline({ browser, trackMate }) {
  const { companyId, serverKey, adminKey } = await trackMate.companies({ name: 'Journey' });
  const email = 'sarah@example.com';

  const page = await visit(browser, trackMate.url);
  const { profileId, sessionId } = await page.evaluate(
    async ({ companyId, email, product }) => {
      const { default: TrackMate } = await import('/sdk/trackmate.js');
      const day = (minute) => ({ timestamp: `2025-10-18T10:${minute}:00Z` });
      const productInfos = [product];
      TrackMate.init(companyId, location.origin);
      TrackMate.track('page_view', { address: 'https://shop.com/homepage' }, day('00'));
      TrackMate.track('add_to_cart', { address: 'https://shop.com/product/headphones', productInfos }, day('05'));
      const { profileId } = await TrackMate.identify({ name: 'Sarah Johnson', email }, day('08'));
      TrackMate.track('checkout_started', { address: 'https://shop.com/checkout', productInfos }, day('10'));
      await TrackMate.flush();
      return { profileId, sessionId: TrackMate.getSessionId() };
    },
    { companyId, email, product: PRODUCT },
  );
  await page.context().close();

  const paid = {
    orderId: 'ch_abc123stripe',
    amount: 79.99,
    currency: 'USD',
    paymentMethod: 'card',
    productInfos: [PRODUCT],
  };
  const serverEvents = [
    [{ email }, 'payment_processed', paid, '12'],
    [{ sessionId }, 'order_shipped', { orderId: paid.orderId, carrier: 'USPS', trackingNumber: '12345' }, '15'],
    [{ userId: profileId }, 'email_delivered', { emailType: 'order_confirmation', provider: 'SendGrid' }, '16'],
  ];
  for (const [identifier, eventType, eventData, minute] of serverEvents) {
    const body = { company_id: companyId, identifier, eventType, eventData, timestamp: at(minute) };
    const headers = { 'Content-Type': 'application/json', 'X-TrackMate-API-Key': serverKey };
    const response = await fetch(`${trackMate.url}/api/webhooks/events`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    assert.deepEqual(
      [response.status, answer.success, answer.profileId],
      [200, true, profileId],
      JSON.stringify(answer),
    );
  }

  const timeline = await until('all seven events', async () => {
    const url = `${trackMate.url}/api/admin/users/${profileId}/timeline?order=asc&limit=50`;
    const response = await fetch(url, { headers: { 'X-Admin-ID': adminKey } });
    const body = await response.json();
    assert.equal(response.status, 200, JSON.stringify(body));
    return body.events.length >= JOURNEY.length && body;
  });
  const { profile, summary, events, pagination } = timeline;
  assert.deepEqual(
    events.map(({ eventType, timestamp, source }) => [eventType, timestamp, source]),
    JOURNEY,
  );
  assert.ok(events.every(({ userId }) => userId === profileId));
  assert.deepEqual(new Set(events.slice(0, 4).map((event) => event.sessionId)), new Set([sessionId]));
  const [webhookSession, ...others] = new Set(events.slice(4).map((event) => event.sessionId));
  assert.match(webhookSession, /^webhook_\d+_[0-9a-z]+$/);
  assert.deepEqual(others, []);
  assert.equal(summary.totalEvents, 7);
  assert.deepEqual(summary.sessions, { total: 2, client: 1, server: 1 });
  assert.deepEqual(summary.totalRevenue, [{ currency: 'USD', amount: 79.99 }]);
  assert.equal(summary.lastActive, at('16'));
  assert.deepEqual(
    [profile.id, profile.email, profile.name, profile.company_id],
    [profileId, email, 'Sarah Johnson', companyId],
  );
  assert.equal(pagination.hasMore, false);
}
