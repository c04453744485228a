// One entry of the list: time, event, person, source and outcome.

import { Component } from 'preact';
import { Badge, type Tone } from '../../parts/feedback';
import { Time } from '../../parts/display';
import { route, to } from '../../route';
import type { Incoming } from './event-list';

export const OUTCOME_TONE: Record<Incoming['outcome'], Tone> = { stored: 'good', duplicate: 'quiet', rejected: 'bad' };
export const personName = ({ userName }: Incoming) => userName || 'Unnamed person';

const DETAIL_CHARS_MAX = 160;

/** The data in one line. */
function detail({ eventData }: Incoming) {
  if (!eventData) return '';
  const parts = Object.entries(eventData).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const line = parts.join(' · ');
  return line.length > DETAIL_CHARS_MAX ? `${line.slice(0, DETAIL_CHARS_MAX)}…` : line;
}

/**
 * The URL of an entry: by its message id, which works for other viewers too, else by its number in
 * the list.
 */
function hrefOf({ door, messageId, seq }: Incoming) {
  const query = Object.fromEntries(
    ['outcome', 'door', 'event'].map((name) => [name, route.peek().query.get(name) ?? '']),
  );
  return messageId ? to(['live', door, messageId], query) : to(['live', door], { ...query, seq: String(seq) });
}

/** Re-renders only if the entry itself changed, not for each new entry of the list. */
export class Row extends Component<{ entry: Incoming; open: boolean }> {
  override shouldComponentUpdate(next: { entry: Incoming; open: boolean }) {
    return next.entry !== this.props.entry || next.open !== this.props.open;
  }

  override render({ entry, open }: { entry: Incoming; open: boolean }) {
    const { at, seq, door, outcome, eventType, message, userId } = entry;
    return (
      <li class={`entry ${outcome}`} data-seq={seq}>
        <Time at={at} short />
        <a class="what" href={hrefOf(entry)} aria-current={open ? 'true' : undefined}>
          {eventType ?? 'Unnamed event'}
        </a>
        <span class="owner">
          {userId ? (
            <a href={to(['people', userId])}>{personName(entry)}</a>
          ) : (
            outcome !== 'rejected' && 'No person yet'
          )}
        </span>
        <span class="marks">
          {entry.bot && <Badge tone="warn">bot</Badge>}
          {entry.warnings?.length ? <Badge tone="warn">warning</Badge> : null}
          <Badge tone={door === 'server' ? 'good' : 'accent'}>{door}</Badge>
          <Badge tone={OUTCOME_TONE[outcome]}>{outcome}</Badge>
        </span>
        <span class="detail">{outcome === 'rejected' ? <span class="bad">{message}</span> : detail(entry)}</span>
      </li>
    );
  }
}
