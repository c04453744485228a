// The demo journey of one person, and helpers to read their page.

export const at = (minute) => `2025-10-18T10:${minute}:00.000Z`;
export const PRODUCT = { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99 };
/** The demo journey: event, source, and a part of its summary. */
export const JOURNEY = [
  ['page_view', 'browser', 'address: https://shop.com/homepage'],
  ['add_to_cart', 'browser', 'Wireless Headphones'],
  ['user_registered', 'browser', 'Sarah'],
  ['checkout_started', 'browser', 'Wireless Headphones'],
  ['payment_processed', 'webhook', '79.99 USD'],
  ['order_shipped', 'webhook', 'USPS'],
  ['email_delivered', 'webhook', 'SendGrid'],
];

/** Sends the seven events of the journey. Returns the person's id and session. */
export async function sendJourney(c, email = 'sarah@example.com') {
  const session = c.session();
  const productInfos = [PRODUCT];
  const first = [
    { eventType: 'page_view', eventData: { address: 'https://shop.com/homepage' }, timestamp: at('00') },
    { eventType: 'add_to_cart', eventData: { productInfos }, timestamp: at('05') },
  ];
  const context = {
    page: { url: 'https://shop.com/homepage', referrer: 'https://search.example/' },
    campaign: { source: 'newsletter', medium: 'email' },
  };
  await c.events(session, first, { context });
  const { profileId: id } = (await c.identify(session, email, { name: 'Sarah Johnson', timestamp: at('08') })).body;
  await c.track(session, { eventType: 'checkout_started', eventData: { productInfos }, timestamp: at('10') });
  await c.server({ email }, 'payment_processed', {
    eventData: { orderId: 'ch_abc123', amount: 79.99, currency: 'USD', productInfos },
    timestamp: at('12'),
  });
  await c.server({ email }, 'order_shipped', {
    eventData: { carrier: 'USPS', trackingNumber: '12345' },
    timestamp: at('15'),
  });
  await c.server({ email }, 'email_delivered', {
    eventData: { emailType: 'order_confirmation', provider: 'SendGrid' },
    timestamp: at('16'),
  });
  return { id, session };
}

export const shownEvents = (page) =>
  page.locator('[data-event]').evaluateAll((all) => all.map((one) => one.dataset.event));
export const fact = (page, name) => page.locator(`[data-fact="${name}"] dd`).first().textContent();
