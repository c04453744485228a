// The overview's range: the last day, week or month, or days of the viewer's choice. It is part of
// the URL, so it can be shared.

import { Button } from '../../parts/forms';
import { setQuery } from '../../route';

const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = DAY_MS / 24;
/**
 * The longest range that the API counts per hour, and the longest that is counted per hour by
 * default.
 */
const HOURLY_DAYS_MAX = 31;
const HOURLY_DAYS = 2;

const LAST: [range: string, name: string, days: number][] = [
  ['24h', '24 hours', 1],
  ['7d', '7 days', 7],
  ['30d', '30 days', 30],
];

export interface Span {
  from: string;
  to: string;
  interval: 'hour' | 'day';
  /** The time zone of the days. Without it, each day has 24 hours. */
  zone?: string;
}

/** The viewer's time zone. Some browsers throw here. */
function zone(): { zone?: string } {
  try {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    return timeZone ? { zone: timeZone } : {};
  } catch {
    return {};
  }
}

const midnight = (at: Date, days = 0) => new Date(at.getFullYear(), at.getMonth(), at.getDate() + days);
/** A date field's value, in the viewer's zone. */
const shown = (at: Date) =>
  `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
const read = (date: string | null) =>
  date && /^\d{4}-\d{2}-\d{2}$/.test(date) ? new Date(`${date}T00:00`) : undefined;

/**
 * The URL's range as the API's parameters. Days begin at the viewer's midnight, also when clocks
 * change. The last 24 hours include the current hour.
 */
export function spanOf(query: URLSearchParams, now = new Date()): Span {
  const [from, until] = [read(query.get('from')), read(query.get('to'))];
  const [, , days] = LAST.find(([range]) => range === query.get('range')) ?? LAST[0]!;
  const hour = new Date((Math.floor(now.getTime() / HOUR_MS) + 1) * HOUR_MS);
  const [begin, end] =
    from && until
      ? [from, midnight(until, 1)]
      : days === 1
        ? [new Date(hour.getTime() - DAY_MS), hour]
        : [midnight(now, 1 - days), midnight(now, 1)];
  const length = (end.getTime() - begin.getTime()) / DAY_MS;
  const chosen = query.get('interval');
  const interval = chosen === 'day' || (chosen !== 'hour' && length > HOURLY_DAYS) ? 'day' : 'hour';
  return { from: begin.toISOString(), to: end.toISOString(), interval, ...zone() };
}

export function Range({ query }: { query: URLSearchParams }) {
  const custom = Boolean(query.get('from') && query.get('to'));
  const chosen = LAST.find(([range]) => range === query.get('range'))?.[0] ?? '24h';
  const { from, to, interval } = spanOf(query);
  const first = shown(new Date(from));
  const last = shown(new Date(new Date(to).getTime() - 1));
  const days = (new Date(to).getTime() - new Date(from).getTime()) / DAY_MS;
  const edge = (label: string, value: string, set: (date: string) => void) => (
    <input
      type="date"
      aria-label={label}
      required
      value={value}
      max={shown(new Date())}
      onChange={(change) => change.currentTarget.value && set(change.currentTarget.value)}
    />
  );
  return (
    <div class="range" role="group" aria-label="Range">
      {LAST.map(([range, name]) => (
        <Button
          key={range}
          tone="secondary"
          aria-pressed={!custom && range === chosen}
          onClick={() => setQuery({ range, from: '', to: '', interval: '' })}
        >
          {name}
        </Button>
      ))}
      <span class="between">
        {edge('From', first, (date) =>
          setQuery({ range: '', interval: '', from: date, to: date > last ? date : last }),
        )}{' '}
        –{' '}
        {edge('To', last, (date) => setQuery({ range: '', interval: '', from: date < first ? date : first, to: date }))}
      </span>
      {days <= HOURLY_DAYS_MAX && (
        <select
          aria-label="Interval"
          value={interval}
          onChange={(change) => setQuery({ interval: change.currentTarget.value })}
        >
          <option value="hour">per hour</option>
          <option value="day">per day</option>
        </select>
      )}
    </div>
  );
}
