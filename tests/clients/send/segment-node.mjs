// @segment/analytics-node: the two lines that change are the key and the host.
import { Analytics } from '@segment/analytics-node';

const { URL: host, KEY: writeKey, RUN, USER_ID: userId, EMAIL: email, BEGAN } = process.env;
const analytics = new Analytics({ writeKey, host, flushAt: 254, maxRetries: 8 });
analytics.on('error', (error) => console.error(error));
const at = (n) => ({ messageId: `${RUN}-${n}`, timestamp: new Date(Date.parse(BEGAN) + n) });
analytics.identify({ userId, traits: { email, name: 'Ada Lovelace', age: null }, ...at(0) });
analytics.track({ userId, event: 'Tracked', properties: { n: 1, nothing: null }, ...at(1) });
analytics.page({ userId, name: 'Home', properties: { url: 'https://shop.example/' }, ...at(2) });
analytics.group({ userId, groupId: 'acme', traits: { plan: 'pro' }, ...at(3) });
for (let n = 0; n < 250; n += 1) analytics.track({ userId, event: 'Batched', properties: { n }, ...at(10 + n) });
await analytics.flush({ timeout: 60_000, close: true });
