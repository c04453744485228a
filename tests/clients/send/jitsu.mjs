// @jitsu/js on a server: the two lines that change are the key and the host. It sends one message a request, and none twice.
import { jitsuAnalytics } from '@jitsu/js';

const { URL: host, KEY, USER_ID, EMAIL: email } = process.env;
const jitsu = jitsuAnalytics({ host, writeKey: `${KEY}:server`, s2s: true });
await jitsu.identify(USER_ID, { email, name: 'Ada Lovelace' });
await jitsu.track('Tracked', { n: 1 });
await jitsu.page({ url: 'https://shop.example/' });
await jitsu.group('acme', { plan: 'pro' });
