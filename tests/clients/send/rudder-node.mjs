// @rudderstack/rudder-sdk-node: the two lines that change are the key and the data plane's URL.
import Analytics from '@rudderstack/rudder-sdk-node';

const { URL: dataPlaneUrl, KEY, RUN, USER_ID: userId, EMAIL: email, BEGAN } = process.env;
const client = new Analytics(KEY, { dataPlaneUrl, flushAt: 254, flushInterval: 60_000, retryCount: 8, gzip: true });
const at = (n) => ({ messageId: `${RUN}-${n}`, originalTimestamp: new Date(Date.parse(BEGAN) + n), timestamp: null });
const said = [];
const done = (error) => error && said.push(error);
client.identify({ userId, traits: { email, name: 'Ada Lovelace' }, ...at(0) }, done);
client.track({ userId, event: 'Tracked', properties: { n: 1 }, ...at(1) }, done);
client.page({ userId, name: 'Home', properties: { url: 'https://shop.example/' }, ...at(2) }, done);
client.group({ userId, groupId: 'acme', traits: { plan: 'pro' }, ...at(3) }, done);
for (let n = 0; n < 250; n += 1) client.track({ userId, event: 'Batched', properties: { n }, ...at(10 + n) }, done);
await client.flush();
if (said.length) throw said[0];
