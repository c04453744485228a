// Exports: choose people or events, filters, format and columns. See the number of rows, download,
// and list earlier exports.

import { useState } from 'preact/hooks';
import { answer } from '../../api';
import { useLoad } from '../load';
import { Check, Select } from '../parts/forms';
import { Problem } from '../parts/feedback';
import { Card, number, Page } from '../parts/display';
import { type Query, setQuery, route } from '../route';
import { Columns, type Kind } from './exports/columns';
import { Exports as ExportList } from './exports/list';
import { type Format, Transfer } from './exports/transfer';
import { asQuery, DateField, filtersOf, SearchField, UserFilters } from './people/filters';
import './people/people.css';

const FORMATS: [Format, string][] = [
  ['csv', 'CSV, for spreadsheets'],
  ['ndjson', 'NDJSON, one row per line'],
  ['json', 'JSON, one document'],
];
const INCLUDED: [string, string][] = [
  ['includeBookings', 'Bookings'],
  ['includeQRCodes', 'QR codes'],
  ['includeInteractions', 'Messages, comments and stories'],
  ['includeConversations', 'Conversations'],
];
const EVENT_FILTERS = ['from', 'to', 'eventType', 'userId'];

function parameters(query: Query): URLSearchParams {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) if (one) all.append(name, one);
  return all;
}

function EventFilters() {
  const catalog = useLoad((admin) => answer(admin.GET('/api/admin/events/catalog')), []);
  return (
    <div class="filters">
      <DateField name="from" label="Happened since" />
      <DateField name="to" label="Happened before" />
      <SearchField name="eventType" label="Event" placeholder="Any" list="event-names" />
      <datalist id="event-names">
        {catalog.data?.events.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <SearchField name="userId" label="Person" placeholder="Id" />
    </div>
  );
}

export default function Exports() {
  const { query } = route.value;
  const [version, setVersion] = useState(0);
  const kind: Kind = query.get('kind') === 'events' ? 'events' : 'users';
  const format = FORMATS.find(([format]) => format === query.get('format'))?.[0] ?? 'csv';
  const fields = query.get('fields')?.split(',').filter(Boolean);
  const filters = filtersOf(query);
  const filterQuery =
    kind === 'users'
      ? asQuery(filters)
      : Object.fromEntries(EVENT_FILTERS.map((name) => [name, query.get(name) ?? undefined]));
  const included =
    kind === 'users' && format !== 'csv'
      ? Object.fromEntries(INCLUDED.map(([name]) => [name, query.get(name) ?? undefined]))
      : {};
  const count = useLoad(
    async (admin, signal) => {
      const request =
        kind === 'users'
          ? admin.GET('/api/admin/export/users/count', { params: { query: filters }, signal })
          : admin.GET('/api/admin/export/events/count', { params: { query: filterQuery }, signal });
      return (await answer(request)).rows;
    },
    [`${parameters(filterQuery)}`, kind],
  );
  return (
    <Page title="Exports" lead="Download people and events as files. Every export is logged.">
      <Card title="New export">
        <div class="filters">
          <Select
            label="Export"
            value={kind}
            set={(kind) => setQuery({ kind, fields: '' })}
            options={[
              ['users', 'People'],
              ['events', 'Events'],
            ]}
          />
          <Select label="Format" value={format} set={(format) => setQuery({ format })} options={FORMATS} />
        </div>
        {kind === 'users' ? <UserFilters filters={filters} /> : <EventFilters />}
        {kind === 'users' && format !== 'csv' && (
          <fieldset class="include">
            <legend>Include</legend>
            {INCLUDED.map(([name, label]) => (
              <Check
                key={name}
                label={label}
                value={query.get(name) === 'true'}
                set={(on) => setQuery({ [name]: on ? 'true' : '' })}
              />
            ))}
          </fieldset>
        )}
        <details open={!!fields}>
          <summary>Columns: {fields ? `${fields.length} chosen` : 'all'}</summary>
          <Columns key={kind} kind={kind} fields={fields} />
        </details>
        {format === 'csv' && (
          <p class="hint">
            A cell that a spreadsheet would run as a formula (it begins with <code>=</code>, <code>+</code>,{' '}
            <code>-</code> or <code>@</code>) gets a leading apostrophe, so the file is safe to open.
          </p>
        )}
        <p class="count" aria-live="polite" aria-busy={count.busy}>
          {count.data !== undefined && !count.error ? (
            <>
              <strong>{number(count.data)}</strong> {count.data === 1 ? 'row' : 'rows'} now
            </>
          ) : count.error ? (
            ''
          ) : (
            'Counting…'
          )}
        </p>
        <Problem error={count.error} retry={count.reload} />
        <Transfer
          request={{
            path: `export/${kind}/${format}`,
            query: parameters({ ...filterQuery, ...included, fields: fields?.join(',') }),
            format,
          }}
          rows={count.error ? undefined : count.data}
          done={() => setVersion((version) => version + 1)}
        />
      </Card>
      <ExportList version={version} />
    </Page>
  );
}
