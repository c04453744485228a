// The public doors. To add one, add its line: its path, a body that it takes (`n` is the case's number, `w` the companies and keys), the headers that show its
// key, and how many rows an answer of 200 says are stored; `isOwn` where events are read as they were sent.
const RECEIPT = (answer) => answer.accepted;
const ONE = () => 1;

const key = (header) => (key) => ({ [header]: key });
const basic = (key) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
const none = () => ({});

const EVENTS = (n) => [
  { eventType: 'page_view', eventData: { address: 'https://shop.example/', n }, timestamp: '2025-10-18T10:00:00Z', messageId: `e-${n}` },
  { eventType: 'purchase', eventData: { amount: 79.99, currency: 'USD', items: [{ id: 'a', price: 1 }, { id: 'b', price: 2 }] }, timestamp: 1760781600000, messageId: `q-${n}` },
  { eventType: 'search', eventData: {} },
];

const SEGMENT = (n) => [
  { type: 'track', event: 'Viewed', anonymousId: `a-${n % 30}`, properties: { n }, timestamp: '2025-10-18T10:00:00.123456Z', messageId: `g-${n}` },
  { type: 'page', name: 'Home', userId: `u-${n % 30}`, properties: { url: 'https://shop.example/' }, context: { library: { name: 'x' } } },
];
const POSTHOG = (n) => [
  { event: '$pageview', distinct_id: `d-${n % 30}`, properties: { n }, timestamp: '2025-10-18T10:00:00Z', uuid: `h-${n}` },
  { event: 'bought', distinct_id: `d-${n % 30}`, properties: {} },
];

export const DOORS = [
  { path: '/api/events', key: none, stored: RECEIPT, isOwn: true, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n % 50}`, sentAt: '2025-10-18T10:00:01Z', context: { page: { url: 'https://shop.example/' }, webdriver: false }, events: EVENTS(n) }) },
  { path: '/api/profile', key: none, stored: ONE, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n}`, email: `p${n % 40}@example.com`, name: 'Ada', phone: '+47', plan: 'gold', timestamp: '2025-10-18T10:00:00Z', messageId: `p-${n}`, sentAt: 1760781601000, userHash: null }) },
  { path: '/api/contacts', key: none, stored: ONE, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n}`, email: `c${n % 40}@example.com`, name: 'Bob', funnel: { projectId: 'spring', projectName: 'Spring', pageId: 'p1', pageUrl: 'https://shop.example' }, visitor: { id: 'v', userAgent: 'x', referrer: 'https://a.example' }, utm: { source: 'newsletter', medium: 'email' }, messageId: `c-${n}` }) },
  { path: '/api/webhooks/events', key: key('x-trackmate-api-key'), stored: RECEIPT, isOwn: true, body: (n, w) => ({ company_id: w.company, identifier: { email: `s${n % 40}@example.com` }, eventType: 'booking.created', eventData: { booking: { id: `b${n % 20}`, guests: 2 } }, timestamp: '2025-10-18T10:00:00Z', messageId: `s-${n}`, user: { firstName: 'Cy', tags: { add: ['vip'] }, customFields: { points: 5 }, optIns: { whatsapp: true } } }) },
  { path: '/api/webhooks/events', key: key('x-trackmate-api-key'), stored: RECEIPT, isOwn: true, body: (n, w) => ({ company_id: w.company, identifier: { sessionId: `session_1760781600_${n % 50}` }, events: EVENTS(n), sentAt: 1760781601000 }) },
  ...['/v1/batch', '/v1/b', '/beacon/v1/batch'].map((path) => ({ path, key: basic, stored: RECEIPT, body: (n, w) => ({ batch: SEGMENT(n), sentAt: '2025-10-18T10:00:01Z', ...(n % 2 ? { writeKey: w.company } : {}) }) })),
  { path: '/v1/track', key: basic, stored: RECEIPT, body: (n) => SEGMENT(n)[0] },
  { path: '/v1/identify', key: basic, stored: RECEIPT, body: (n) => ({ userId: `u-${n % 30}`, anonymousId: `a-${n}`, traits: { email: `u${n % 30}@example.com`, name: 'Dee', phone: '+491747856472', plan: 'gold' }, messageId: `i-${n}` }) },
  { path: '/v1/group', key: basic, stored: RECEIPT, body: (n) => ({ userId: `u-${n % 30}`, groupId: `acme-${n % 5}`, traits: { name: 'Acme', seats: 5 }, messageId: `o-${n}` }) },
  { path: '/v1/alias', key: basic, stored: RECEIPT, body: (n) => ({ userId: `u-${n % 30}`, previousId: `a-${n % 40}`, messageId: `l-${n}` }) },
  { path: '/v1/page', key: basic, stored: RECEIPT, body: (n) => ({ anonymousId: `a-${n % 30}`, name: 'Home', properties: { url: 'https://shop.example/', referrer: '' }, context: { page: { title: 'x' }, locale: 'de-DE' }, messageId: `v-${n}` }) },
  { path: '/batch/', key: none, stored: RECEIPT, body: (n, w) => ({ api_key: w.company, batch: POSTHOG(n) }) },
  { path: '/e/', key: none, stored: RECEIPT, body: (n, w) => ({ api_key: w.company, event: '$identify', distinct_id: `p-${n % 30}`, properties: { $anon_distinct_id: `d-${n % 40}` }, $set: { email: `h${n % 30}@example.com`, plan: 'gold' }, $set_once: { first: 'x' }, uuid: `y-${n}` }) },
  { path: '/capture/', key: none, stored: RECEIPT, body: (n, w) => ({ api_key: w.company, ...POSTHOG(n)[0] }) },
  { path: '/i/v0/e/', key: none, stored: RECEIPT, body: (n, w) => ({ api_key: w.company, ...POSTHOG(n)[0] }) },
  { path: '/api/s/track', key: key('x-write-key'), stored: RECEIPT, body: (n) => SEGMENT(n)[0] },
  { path: '/healthz', method: 'GET', key: none, stored: () => 0, body: () => ({}) },
  { path: '/readyz', method: 'GET', key: none, stored: () => 0, body: () => ({}) },
];
