// Display of values: times in the viewer's zone, numbers, JSON, text to copy, cards and tables.
// Values are always rendered as text, never as HTML.

import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { notify } from './feedback';

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const THIS_YEAR = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
});
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const NUMBER = new Intl.NumberFormat();

export const number = (value: number) => NUMBER.format(value);
export const plural = (count: number, one: string, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const when = (iso: string) => DAY.format(new Date(iso));
/** A share of 1 as a percentage. Anything below 1 never rounds up to 100 %. */
export const percent = (share: number) =>
  `${share > 0.9999 && share < 1 ? '> 99.99' : Number((share * 100).toFixed(2))} %`;
export const duration = (ms: number) =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))} s`;

const UNITS: [number, string][] = [
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'KB'],
];
export const size = (bytes: number) => {
  const [by, unit] = UNITS.find(([by]) => bytes >= by) ?? [1, 'B'];
  return `${Number((bytes / by).toPrecision(3))} ${unit}`;
};

/** The shortest useful form: the time for today, day and time for this year, else the day. */
function shortTime(at: Date, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at);
  return (at.getFullYear() === now.getFullYear() ? THIS_YEAR : DATE).format(at);
}

/**
 * A time in the viewer's zone. The exact time in UTC shows on hover. `short` is for narrow columns.
 */
export function Time({ at, short = false }: { at: string | null | undefined; short?: boolean }) {
  if (!at) return <span class="quiet">–</span>;
  return (
    <time dateTime={at} title={at}>
      {short ? shortTime(new Date(at)) : when(at)}
    </time>
  );
}

export function Json({ value }: { value: unknown }) {
  return (
    <pre class="json" tabIndex={0}>
      <code>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</code>
    </pre>
  );
}

/** A line of text with a button that copies it. */
export function Copy({ text, label }: { text: string; label: string }) {
  return (
    <span class="copy">
      <code>{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => notify(`${label} copied.`),
      () => notify('The browser blocked the copy. Select the text instead.'),
    );
  return (
    <button type="button" class="small secondary" onClick={copy} aria-label={`Copy ${label}`}>
      Copy
    </button>
  );
}

/** A block of code with a button that copies it. */
export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="code">
      <CopyButton text={text} label={label} />
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

/** Focuses the page's heading, for when the focused element was removed. */
export const focusHeading = () => document.querySelector<HTMLElement>('#main h1')?.focus({ preventScroll: true });

/** `name` is the name in the browser's tab and history, if it is not the title. */
export function Page({
  title,
  name = title,
  lead,
  actions,
  children,
}: {
  title: string;
  name?: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${name} · TrackMate`;
  }, [name]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {lead && <p class="quiet">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Card({
  title,
  actions,
  children,
  class: extra = '',
}: {
  title?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`card ${extra}`}>
      {(title || actions) && (
        <div class="card-head">
          {title && <h2>{title}</h2>}
          {actions && <div class="actions">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and values, side by side. */
export function Facts({ of }: { of: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name} data-fact={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Column<Item> {
  name: string;
  /** Distinguishes columns of the same name. */
  id?: string;
  show: (item: Item) => ComponentChildren;
  /** Numbers are right-aligned. */
  number?: boolean;
  /** Makes the header sort: the current order, and what a click does. */
  sort?: { order: 'asc' | 'desc' | undefined; by: () => void };
}

/** Number of columns that fit side by side on a phone. */
const NARROW_COLUMNS = 3;

/**
 * A table. On a phone, the rows of a wide table become cards, with the column's name before each
 * value. `caption` is for screen readers.
 */
export function Table<Item>({
  caption,
  columns,
  items,
  keyOf,
}: {
  caption: string;
  columns: Column<Item>[];
  items: Item[];
  keyOf: (item: Item) => string;
}) {
  const sorted = (sort: Column<Item>['sort']) =>
    sort?.order ? (sort.order === 'asc' ? 'ascending' : 'descending') : undefined;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      {/* Explicit roles, since the layout of cards would remove the table's own. */}
      <table role="table" class={columns.length > NARROW_COLUMNS ? 'cards' : ''}>
        <caption class="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, id, number, sort }) => (
              <th
                key={id ?? name}
                role="columnheader"
                scope="col"
                class={number ? 'number' : ''}
                aria-sort={sorted(sort)}
              >
                {sort ? (
                  <button type="button" class="sort" onClick={sort.by}>
                    {name}{' '}
                    <span aria-hidden="true">{sort.order === 'asc' ? '↑' : sort.order === 'desc' ? '↓' : '↕'}</span>
                  </button>
                ) : (
                  name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {items.map((item) => (
            <tr key={keyOf(item)} role="row" data-key={keyOf(item)}>
              {columns.map(({ name, id, show, number }) => (
                <td key={id ?? name} role="cell" data-column={name} class={number ? 'number' : ''}>
                  {show(item)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The button at the end of a list that loads the next page. */
export function More({ pages }: { pages: { hasMore: boolean; busy: boolean; more: () => void } }) {
  if (!pages.hasMore) return null;
  return (
    <p class="more">
      <button type="button" class="secondary" aria-disabled={pages.busy} onClick={pages.more}>
        {pages.busy ? 'Loading…' : 'Show more'}
      </button>
    </p>
  );
}
