// A company with a receiver and one subscription to it, and what a test does to them.
import { until } from './harness.mjs';
import { newCompany } from './people.mjs';
import { startReceiver } from './receiver.mjs';

/** `answer` as the receiver's; `events` and the rest are the subscription's. */
export async function newWebhook(t, trackMate, { answer, events = ['*'], ...more } = {}) {
  const c = await newCompany(trackMate);
  const receiver = await startReceiver(answer);
  t.after(receiver.close);
  const webhook = await c.subscribe(`${receiver.url}/hook`, events, more);
  const at = (path = '') => `/api/admin/webhooks/${webhook.id}${path}`;
  const d1 = await trackMate.d1();
  return {
    c,
    receiver,
    webhook,
    at,
    send: (eventType, more = {}) => c.tryServer({ eventType, ...more }),
    patch: (change) => c.call('PATCH', at(), change, c.admin),
    post: (path, body = {}) => c.call('POST', at(path), body, c.admin),
    state: async () => (await c.get(at())).body.webhook,
    ended: (status, count = 1) =>
      until(`${count} ${status}`, async () => {
        const { body } = await c.get(at(`/deliveries?status=${status}`));
        return body.deliveries.length >= count && body.deliveries;
      }),
    /** Writes into its row, as time or a crash would. */
    set: (assignments) => d1.prepare(`update subscriptions set ${assignments} where id = ?1`).bind(webhook.id).run(),
    d1,
  };
}
