// posthog-node: the two lines that change are the key and the host. It asks for flags too, and is told that there are none.
import assert from 'node:assert/strict';
import { PostHog } from 'posthog-node';

const { URL: host, KEY, RUN, USER_ID: distinctId, EMAIL: email, BEGAN } = process.env;
const client = new PostHog(KEY, { host, flushAt: 254, maxBatchSize: 254, flushInterval: 60_000, fetchRetryCount: 8, fetchRetryDelay: 100 });
client.on('error', (error) => console.error(error));
const uuid = (n) => `${RUN.slice(0, 23)}-${n.toString(16).padStart(12, '0')}`;
const at = (n) => ({ uuid: uuid(n), timestamp: new Date(Date.parse(BEGAN) + n) });
client.identify({ distinctId, properties: { $set: { email, name: 'Ada Lovelace' }, $set_once: { first: 'visit' } } });
client.capture({ distinctId, event: 'Tracked', properties: { n: 1 }, ...at(1) });
client.capture({ distinctId, event: '$pageview', properties: { $current_url: 'https://shop.example/' }, ...at(2) });
client.groupIdentify({ distinctId, groupType: 'company', groupKey: 'acme', properties: { plan: 'pro' } });
for (let n = 0; n < 250; n += 1) client.capture({ distinctId, event: 'Batched', properties: { n }, ...at(10 + n) });
assert.deepEqual((await client.getAllFlags(distinctId)) ?? {}, {});
await client.shutdown(60_000);
