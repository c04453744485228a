// The columns of the list of people, and the viewer's choice. The choice is kept in the URL and in
// this browser; only the names of columns are stored.

import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Schema } from '../../../api';
import { Check } from '../../parts/forms';
import { Badge } from '../../parts/feedback';
import { number, Time } from '../../parts/display';
import { setQuery, route } from '../../route';

export type User = Schema<'UserWith'>;
export type SortBy = 'createdAt' | 'updatedAt' | 'firstName' | 'lastName';

export interface PeopleColumn {
  id: string;
  name: string;
  show: (user: User) => ComponentChildren;
  number?: boolean;
  sort?: SortBy;
}

const STORAGE_KEY = 'trackmate.people.columns';
const FIELD = 'customFields.';
const text = (id: keyof User & string, name: string, sort?: SortBy): PeopleColumn => ({
  id,
  name,
  sort,
  show: (user) => <span class="line">{user[id] as string | null}</span>,
});
const count = (id: string, name: string, of: (user: User) => number): PeopleColumn => ({
  id,
  name,
  number: true,
  show: (user) => number(of(user)),
});
const time = (id: string, name: string, of: (user: User) => string | null, sort?: SortBy): PeopleColumn => ({
  id,
  name,
  sort,
  show: (user) => <Time at={of(user)} />,
});

export const COLUMNS: PeopleColumn[] = [
  text('email', 'E-mail'),
  text('firstName', 'First name', 'firstName'),
  text('lastName', 'Last name', 'lastName'),
  text('phone', 'Phone'),
  {
    id: 'tags',
    name: 'Tags',
    show: ({ tags }) => (
      <span class="badges">
        {tags.map(({ id, name }) => (
          <Badge key={id}>{name}</Badge>
        ))}
      </span>
    ),
  },
  time('lastActive', 'Last active', ({ lastActive }) => lastActive),
  time('createdAt', 'Created', ({ createdAt }) => createdAt, 'createdAt'),
  time('updatedAt', 'Changed', ({ timestamps }) => timestamps.updatedAt, 'updatedAt'),
  {
    id: 'exportConsent',
    name: 'Consent',
    show: ({ exportConsent }) =>
      exportConsent.given ? <Badge tone="good">given</Badge> : <span class="quiet">–</span>,
  },
  {
    id: 'optIns',
    name: 'Opted in',
    show: ({ optIns }) =>
      Object.entries(optIns)
        .filter(([, on]) => on)
        .map(([platform]) => platform)
        .join(', '),
  },
  count('bookings', 'Bookings', ({ stats }) => stats.bookingsCount),
  count('qrScans', 'QR scans', ({ stats }) => stats.qrScansCount),
  count('conversations', 'Conversations', ({ stats }) => stats.conversationsCount),
  count('interactions', 'Messages and comments', ({ interactions }) => interactions.totalCount),
  text('instagramUsername', 'Instagram'),
  text('locale', 'Locale'),
  text('timezone', 'Time zone'),
  text('gender', 'Gender'),
  { id: 'id', name: 'Id', show: ({ id }) => <code>{id}</code> },
];
const DEFAULT_COLUMNS = ['email', 'tags', 'lastActive', 'createdAt'];

const known = (id: string): PeopleColumn | undefined =>
  id.startsWith(FIELD)
    ? {
        id,
        name: id.slice(FIELD.length),
        show: ({ customFields }) => <span class="line">{customFields[id.slice(FIELD.length)]}</span>,
      }
    : COLUMNS.find((column) => column.id === id);

/** The columns to show, in their order. */
export function chosen(): PeopleColumn[] {
  const ids = (route.value.query.get('columns') ?? localStorage.getItem(STORAGE_KEY))?.split(',') ?? DEFAULT_COLUMNS;
  return ids.flatMap((id) => known(id) ?? []);
}

function choose(columns: string[]) {
  localStorage.setItem(STORAGE_KEY, columns.join(','));
  setQuery({ columns: columns.join(',') || 'none' });
}

/** Lets the viewer choose columns, including custom fields of the people on screen. */
export function ColumnChoice({ users }: { users: User[] }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const ids = chosen().map(({ id }) => id);
  const fields = new Set([
    ...ids.filter((id) => id.startsWith(FIELD)),
    ...users.flatMap(({ customFields }) => Object.keys(customFields).map((name) => FIELD + name)),
  ]);
  const all = [...COLUMNS, ...[...fields].flatMap((id) => known(id) ?? [])];
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(pressed) => {
        if (pressed.key !== 'Escape' || !menu.current?.open) return;
        menu.current.open = false;
        menu.current.querySelector('summary')?.focus();
      }}
      onFocusOut={({ relatedTarget }) => {
        // Close the menu when the focus leaves it.
        if (relatedTarget instanceof Node && !menu.current?.contains(relatedTarget))
          menu.current?.removeAttribute('open');
      }}
    >
      <summary>Columns</summary>
      <div class="menu-body" role="group" aria-label="Columns">
        {all.map(({ id, name }) => (
          <Check
            key={id}
            label={name}
            value={ids.includes(id)}
            set={(on) => choose(all.map((one) => one.id).filter((one) => (one === id ? on : ids.includes(one))))}
          />
        ))}
      </div>
    </details>
  );
}
