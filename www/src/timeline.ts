// A person's timeline, as the shop's panel and the dashboard both show it: browser and server events visibly apart.

import type { Timeline, TimelineEvent } from './api';
import { el } from './dom';

const SOURCE = { browser: 'browser', webhook: 'server' };

export const time = (iso: string | null) =>
  iso ? new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' }) : '–';

export function summary({ summary }: Timeline): HTMLElement {
  const { total, client, server } = summary.sessions;
  const revenue = summary.totalRevenue.map(({ amount, currency }) => `${amount} ${currency}`).join(', ') || '–';
  const facts: [string, string, string][] = [
    ['events', 'Events', String(summary.totalEvents)],
    ['sessions', 'Sessions', `${total} (${client} browser, ${server} server)`],
    ['revenue', 'Revenue', revenue],
    ['last-active', 'Last active', time(summary.lastActive)],
  ];
  return el(
    'dl',
    { class: 'facts' },
    ...facts.map(([id, name, value]) => el('div', {}, el('dt', {}, name), el('dd', { 'data-fact': id }, value))),
  );
}

export function eventItem(event: TimelineEvent): HTMLElement {
  return el(
    'li',
    { class: `event ${event.source}`, 'data-event': event.eventType },
    el('time', { datetime: event.timestamp, title: event.timestamp }, new Date(event.timestamp).toLocaleTimeString()),
    el('strong', {}, event.eventType),
    el('span', { class: 'source' }, SOURCE[event.source] ?? event.source),
    el('p', { class: 'detail' }, detail(event)),
  );
}

/** The one line that tells most about an event. */
function detail({ eventData: told }: TimelineEvent): string {
  const eventData = told as Record<string, unknown> | null;
  if (!eventData) return '';
  const { amount, currency, trackingNumber, carrier, productInfos, emailType, path, address } = eventData;
  if (amount !== undefined) return `${amount} ${currency ?? ''}`;
  if (trackingNumber !== undefined) return `${carrier ?? ''} ${trackingNumber}`;
  if (Array.isArray(productInfos)) return productInfos.map((product) => product?.productName ?? '').join(', ');
  const first = emailType ?? path ?? address;
  return first === undefined ? '' : String(first);
}
