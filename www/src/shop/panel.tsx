// The panel beside the shop: what TrackMate knows of the visit, what the shop's server sent, and
// what was delivered back. It asks the shop's server, since a browser must hold no admin key.

import { effect, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, type Received, type Sent, ShopServer, type Timeline, type TimelineEvent } from '../api';
import { anonymous, company, customer, shopPort } from './state';
import { tracked, session } from './track';

export const shop = new ShopServer(`${location.protocol}//${location.hostname}:${shopPort}`);
const POLL_MS = 1_500;
const wide = matchMedia('(min-width: 60rem)');

export const unreachable = (error: unknown) => error instanceof ApiError && error.status === 0;
const clock = (iso: string) => new Date(iso).toLocaleTimeString();

interface PanelState {
  timeline?: Timeline;
  deliveries: Received[];
  sent: Sent[];
  problem: string;
  missing: boolean;
}

export function Panel() {
  const state = useSignal<PanelState>({ deliveries: [], sent: [], problem: '', missing: false });
  useEffect(() => {
    let stopped = false;
    const poll = async () => {
      const who = customer.get();
      try {
        const [{ deliveries }, { sent }, timeline] = await Promise.all([
          shop.deliveries(),
          shop.sent(),
          who ? shop.timeline(who.profileId) : undefined,
        ]);
        if (!stopped) state.value = { ...(timeline && { timeline }), deliveries, sent, problem: '', missing: false };
      } catch (error) {
        if (!stopped)
          state.value = {
            ...state.value,
            missing: unreachable(error),
            problem: unreachable(error) ? '' : String(error instanceof Error ? error.message : error),
          };
      }
    };
    const unsubscribe = effect(() => void (tracked.value, poll()));
    const timer = setInterval(() => document.hidden || void poll(), POLL_MS);
    return () => {
      stopped = true;
      unsubscribe();
      clearInterval(timer);
    };
  }, []);

  const { timeline, deliveries, sent, problem, missing } = state.value;
  const count = timeline?.events.length ?? anonymous.get().length;
  return (
    <aside class="card panel" aria-labelledby="panel-title">
      <details open={wide.matches}>
        <summary>
          <h2 id="panel-title">What TrackMate knows</h2>{' '}
          <span class="quiet">
            {count} {count === 1 ? 'event' : 'events'}
          </span>
        </summary>
        {missing && (
          <div class="notice" role="status">
            <p>
              <strong>The shop server does not answer.</strong> It takes payments and fills this panel. The page expects
              it at <code>{shop.url}</code>.
            </p>
            <p>
              <code>make dev</code> starts it together with TrackMate. To start it alone:{' '}
              <code>node examples/shop-server/server.mjs</code>.
            </p>
          </div>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <p class="who">
          {timeline
            ? `${timeline.profile.name ?? 'Unnamed person'} · ${timeline.profile.email ?? ''}`
            : 'Anonymous visitor. Their events belong to nobody yet.'}
        </p>
        {timeline && <Summary of={timeline} />}
        <h3>Timeline</h3>
        <ol class="events" aria-label="Timeline">
          {timeline
            ? timeline.events.map((event) => <Event key={event.messageId} event={event} />)
            : anonymous.get().map(({ name, at }) => (
                <li key={at + name} class="event browser" data-event={name}>
                  <time dateTime={at}>{clock(at)}</time>
                  <strong>{name}</strong>
                  <span class="source">browser</span>
                  <p class="detail">no owner yet</p>
                </li>
              ))}
        </ol>
        <h3>What the shop's server sent</h3>
        {sent.length === 0 ? (
          <p class="quiet">Nothing yet. It sends events when somebody pays.</p>
        ) : (
          <ul class="sent">
            {sent.map(({ at, body, answer }) => (
              <li key={at + body.eventType} data-sent={body.eventType}>
                <details>
                  <summary>
                    <strong>{body.eventType}</strong> by {Object.keys(body.identifier).join()}{' '}
                    <time dateTime={at}>{clock(at)}</time>
                  </summary>
                  <pre tabIndex={0}>
                    <code>{`POST /api/webhooks/events\n${JSON.stringify(body, null, 2)}\n\n→ ${JSON.stringify(answer, null, 2)}`}</code>
                  </pre>
                </details>
              </li>
            ))}
          </ul>
        )}
        <h3>Signed deliveries it received</h3>
        {deliveries.length === 0 ? (
          <p class="quiet">None yet.</p>
        ) : (
          <ul class="deliveries">
            {deliveries.map(({ event, receivedAt }) => (
              <li key={receivedAt + event} data-delivery={event}>
                <strong>{event}</strong>
                <span class="good">✓ signature verified</span>
                <time dateTime={receivedAt}>{clock(receivedAt)}</time>
              </li>
            ))}
          </ul>
        )}
        <p class="quiet">
          Company <code>{company}</code>, session <code>{session()}</code>
        </p>
      </details>
    </aside>
  );
}

function Summary({ of: { summary } }: { of: Timeline }) {
  const { total, client, server } = summary.sessions;
  const facts: [string, string, string][] = [
    ['events', 'Events', String(summary.totalEvents)],
    ['sessions', 'Sessions', `${total} (${client} browser, ${server} server)`],
    [
      'revenue',
      'Revenue',
      summary.totalRevenue.map(({ amount, currency }) => `${amount} ${currency}`).join(', ') || '–',
    ],
    ['last-active', 'Last active', summary.lastActive ? clock(summary.lastActive) : '–'],
  ];
  return (
    <dl class="facts">
      {facts.map(([id, name, value]) => (
        <div key={id}>
          <dt>{name}</dt>
          <dd data-fact={id}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Event({ event }: { event: TimelineEvent }) {
  return (
    <li class={`event ${event.source}`} data-event={event.eventType}>
      <time dateTime={event.timestamp} title={event.timestamp}>
        {clock(event.timestamp)}
      </time>
      <strong>{event.eventType}</strong>
      <span class="source">{event.source === 'webhook' ? 'server' : 'browser'}</span>
      <p class="detail">{detail((event.eventData ?? {}) as Record<string, unknown>)}</p>
    </li>
  );
}

/** Summarizes an event's data in one line. */
function detail({
  amount,
  currency,
  trackingNumber,
  carrier,
  productInfos,
  emailType,
  path,
  address,
}: Record<string, unknown>): string {
  if (amount !== undefined) return `${amount} ${currency ?? ''}`;
  if (trackingNumber !== undefined) return `${carrier ?? ''} ${trackingNumber}`;
  if (Array.isArray(productInfos)) return productInfos.map((product) => product?.productName ?? '').join(', ');
  const first = emailType ?? path ?? address;
  return first === undefined ? '' : String(first);
}
