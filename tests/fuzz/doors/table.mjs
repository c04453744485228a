// The public doors. To add one, add its line: its path, a body that it takes (`n` is the case's number, `w` the companies and keys), the headers that show its
// key, and how many rows an answer of 200 says are stored.
const RECEIPT = (answer) => answer.accepted;
const ONE = () => 1;

const key = (header) => (key) => ({ [header]: key });
const none = () => ({});

const EVENTS = (n) => [
  { eventType: 'page_view', eventData: { address: 'https://shop.example/', n }, timestamp: '2025-10-18T10:00:00Z', messageId: `e-${n}` },
  { eventType: 'purchase', eventData: { amount: 79.99, currency: 'USD', items: [{ id: 'a', price: 1 }, { id: 'b', price: 2 }] }, timestamp: 1760781600000 },
  { eventType: 'search', eventData: {} },
];

export const DOORS = [
  { path: '/api/events', key: none, stored: RECEIPT, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n % 50}`, sentAt: '2025-10-18T10:00:01Z', context: { page: { url: 'https://shop.example/' }, webdriver: false }, events: EVENTS(n) }) },
  { path: '/api/profile', key: none, stored: ONE, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n}`, email: `p${n % 40}@example.com`, name: 'Ada', phone: '+47', plan: 'gold', timestamp: '2025-10-18T10:00:00Z', messageId: `p-${n}`, sentAt: 1760781601000, userHash: null }) },
  { path: '/api/contacts', key: none, stored: ONE, body: (n, w) => ({ company_id: w.company, sessionId: `session_1760781600_${n}`, email: `c${n % 40}@example.com`, name: 'Bob', funnel: { projectId: 'spring', projectName: 'Spring', pageId: 'p1', pageUrl: 'https://shop.example' }, visitor: { id: 'v', userAgent: 'x', referrer: 'https://a.example' }, utm: { source: 'newsletter', medium: 'email' }, messageId: `c-${n}` }) },
  { path: '/api/webhooks/events', key: key('x-trackmate-api-key'), stored: RECEIPT, body: (n, w) => ({ company_id: w.company, identifier: { email: `s${n % 40}@example.com` }, eventType: 'booking.created', eventData: { booking: { id: `b${n % 20}`, guests: 2 } }, timestamp: '2025-10-18T10:00:00Z', messageId: `s-${n}`, user: { firstName: 'Cy', tags: { add: ['vip'] }, customFields: { points: 5 }, optIns: { whatsapp: true } } }) },
  { path: '/api/webhooks/events', key: key('x-trackmate-api-key'), stored: RECEIPT, body: (n, w) => ({ company_id: w.company, identifier: { sessionId: `session_1760781600_${n % 50}` }, events: EVENTS(n), sentAt: 1760781601000 }) },
  { path: '/healthz', method: 'GET', key: none, stored: () => 0, body: () => ({}) },
];
