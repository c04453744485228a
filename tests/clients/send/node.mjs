// The clients for Node.js, each as its users call it: the two lines that change are the key and the host. Sends the calls of CALLS with the client that is named.
import { readFileSync } from 'node:fs';

const { URL: host, KEY: key, RUN, BEGAN, CALLS } = process.env;
const NUMBERS = { '@1e400': 1e400, '@NaN': NaN, '@-Infinity': -Infinity };
const calls = JSON.parse(readFileSync(CALLS, 'utf8'), (_, value) => NUMBERS[value] ?? value);
const flushAt = calls.length;
const time = ({ n, at }) => at ?? new Date(Date.parse(BEGAN) + n);
const uuid = ({ n }) => `${RUN.slice(0, 23)}-${n.toString(16).padStart(12, '0')}`;

/** Segment's own and those in its likeness. */
function segment(client, known) {
  const who = (call) => ({ ...(call.user ? { userId: call.user } : { anonymousId: call.anonymous }), ...known(call) });
  return {
    identify: (call) => client.identify({ traits: call.traits, ...who(call) }),
    track: (call) => client.track({ event: call.event, properties: call.properties, ...who(call) }),
    page: (call) => client.page({ name: call.name, properties: call.properties, ...who(call) }),
    group: (call) => client.group({ groupId: call.group, traits: call.traits, ...who(call) }),
    alias: (call) => client.alias({ previousId: call.previous, ...who(call) }),
  };
}

const CLIENTS = {
  async segment() {
    const { Analytics } = await import('@segment/analytics-node');
    const client = new Analytics({ writeKey: key, host, flushAt, maxRetries: 8 });
    client.on('error', (error) => console.error(error));
    return { ...segment(client, (call) => ({ messageId: uuid(call), timestamp: time(call) })), end: () => client.flush({ timeout: 60_000, close: true }) };
  },
  async customerio() {
    const { Analytics } = await import('@customerio/cdp-analytics-node');
    const client = new Analytics({ writeKey: key, host, maxEventsInBatch: flushAt, maxRetries: 8 });
    client.on('error', (error) => console.error(error));
    return { ...segment(client, (call) => ({ messageId: uuid(call), timestamp: time(call) })), end: () => client.closeAndFlush({ timeout: 60_000 }) };
  },
  async rudderstack() {
    const { default: Analytics } = await import('@rudderstack/rudder-sdk-node');
    const client = new Analytics(key, { dataPlaneUrl: host, flushAt, flushInterval: 60_000, retryCount: 8, gzip: true });
    return { ...segment(client, (call) => ({ messageId: uuid(call), originalTimestamp: time(call), timestamp: null })), end: () => client.flush() };
  },
  async posthog() {
    const { PostHog } = await import('posthog-node');
    const client = new PostHog(key, { host, flushAt, maxBatchSize: flushAt, flushInterval: 60_000, fetchRetryCount: 8, fetchRetryDelay: 100 });
    client.on('error', (error) => console.error(error));
    const event = (call, name) => {
      const properties = call.user ? call.properties : { ...call.properties, $process_person_profile: false };
      client.capture({ distinctId: call.user ?? call.anonymous, event: name, properties, groups: call.groups, uuid: uuid(call), timestamp: time(call) });
    };
    return {
      identify: ({ user, traits, once }) => client.identify({ distinctId: user, properties: { $set: traits, $set_once: once } }),
      track: (call) => event(call, call.event),
      page: (call) => event(call, '$pageview'),
      group: ({ group, traits }) => client.groupIdentify({ groupType: 'company', groupKey: group, properties: traits }),
      alias: ({ user, previous }) => client.alias({ distinctId: user, alias: previous }),
      async end() {
        // It asks for flags too, and is told that there are none.
        if (Object.keys((await client.getAllFlags('u-1001')) ?? {}).length > 0) throw new Error('there are flags');
        await client.shutdown(60_000);
      },
    };
  },
  // One message a request, and none twice: what is not answered well is an error to its user.
  async jitsu() {
    const { jitsuAnalytics } = await import('@jitsu/js');
    const client = jitsuAnalytics({ host, writeKey: `${key}:server`, s2s: true });
    return {
      identify: (call) => client.identify(call.user, call.traits),
      track(call) {
        if (call.anonymous) client.setAnonymousId(call.anonymous);
        return client.track(call.event, call.properties);
      },
      page: (call) => client.page({ ...call.properties, name: call.name }),
      group: (call) => client.group(call.group, call.traits),
      end() {},
    };
  },
};

const client = await CLIENTS[process.argv[2]]();
for (const call of calls) await client[call.kind]?.(call);
await client.end();
