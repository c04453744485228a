// Filters of the list and the export of people. They are the API's filters, kept in the URL under
// the API's names.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Check, Select, Text } from '../../parts/forms';
import { type Query, setQuery, route } from '../../route';

export const PLATFORMS = ['messenger', 'instagram', 'whatsapp', 'telegram'] as const;
export type Platform = (typeof PLATFORMS)[number];

const TIMES = { createdAfter: 'Created since', createdBefore: 'Created before', updatedAfter: 'Changed since' };
const TEXT_PAUSE_MS = 250;
const FIELD = /^customField\[(.+)\]$/;

/** Reads the filters of a URL, in the API's form. */
export function filtersOf(query: URLSearchParams) {
  const one = (name: string) => query.get(name) || undefined;
  const fields = [...query].flatMap(([key, value]) =>
    FIELD.test(key) && value ? [[FIELD.exec(key)?.[1], value]] : [],
  );
  return {
    search: one('search'),
    hasTag: query.getAll('hasTag'),
    customField: fields.length ? (Object.fromEntries(fields) as Record<string, string>) : undefined,
    optedIn: PLATFORMS.find((platform) => platform === one('optedIn')),
    exportConsentOnly: one('exportConsentOnly') === 'true' || undefined,
    createdAfter: one('createdAfter'),
    createdBefore: one('createdBefore'),
    updatedAfter: one('updatedAfter'),
  };
}
export type Filters = ReturnType<typeof filtersOf>;

/** The filters as URL parameters, for the dashboard or the API. */
export function asQuery({ customField, exportConsentOnly, ...filters }: Filters): Query {
  const fields = Object.entries(customField ?? {}).map(([name, value]) => [`customField[${name}]`, value]);
  return { ...filters, exportConsentOnly: exportConsentOnly && 'true', ...Object.fromEntries(fields) };
}

export const isFiltered = (filters: Filters) => Object.values(asQuery(filters)).some((value) => value?.length);

const CLEARED: Query = {
  search: '',
  hasTag: [],
  optedIn: '',
  exportConsentOnly: '',
  createdAfter: '',
  createdBefore: '',
  updatedAfter: '',
};
export function clearFilters({ customField }: Filters) {
  setQuery({
    ...CLEARED,
    ...Object.fromEntries(Object.keys(customField ?? {}).map((name) => [`customField[${name}]`, ''])),
  });
}

/** A text parameter of the URL. It is set when the viewer stops typing. */
export function SearchField({
  name,
  label,
  hint,
  ...rest
}: {
  name: string;
  label: string;
  hint?: string;
  type?: 'search';
  placeholder?: string;
  list?: string;
}) {
  const current = route.value.query.get(name) ?? '';
  const [text, setText] = useState(current);
  const sent = useRef(current);
  // The URL can also change from elsewhere, for example by a link or a removed chip.
  useEffect(() => {
    if (current !== sent.current) setText((sent.current = current));
  }, [current]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => setQuery({ [name]: (sent.current = text.trim()) }), TEXT_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return <Text label={label} hint={hint} value={text} set={setText} {...rest} />;
}

/** A date parameter of the URL: the viewer's midnight of that day. */
export function DateField({ name, label }: { name: string; label: string }) {
  const current = route.value.query.get(name);
  const at = current ? new Date(current) : undefined;
  const two = (part: number) => String(part).padStart(2, '0');
  const shown =
    at && !Number.isNaN(at.getTime()) ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}` : '';
  return (
    <Text
      label={label}
      type="date"
      max="9999-12-31"
      title={current ?? undefined}
      value={shown}
      set={(day) => {
        const midnight = day ? new Date(`${day}T00:00`) : undefined;
        // Ignore a year that is still being typed.
        if (!midnight || midnight.getFullYear() >= 1970) setQuery({ [name]: midnight?.toISOString() });
      }}
    />
  );
}

function AddTag({ tags }: { tags: string[] }) {
  const [tag, setTag] = useState('');
  const add = (submitted: Event) => {
    submitted.preventDefault();
    if (tag.trim()) setQuery({ hasTag: [...new Set([...tags, tag.trim()])] });
    setTag('');
  };
  return (
    <form class="inline" onSubmit={add}>
      <Text label="With the tag" value={tag} set={setTag} />
      <button class="secondary">Add tag</button>
    </form>
  );
}

function AddField() {
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const add = (submitted: Event) => {
    submitted.preventDefault();
    if (!name.trim() || !value.trim()) return;
    setQuery({ [`customField[${name.trim()}]`]: value.trim() });
    setName('');
    setValue('');
  };
  return (
    <form class="inline" onSubmit={add}>
      <Text label="Custom field" value={name} set={setName} />
      <Text label="is" value={value} set={setValue} />
      <button class="secondary">Add field</button>
    </form>
  );
}

/** A removable chip. */
export function Chip({
  label,
  what,
  remove,
  title,
  disabled,
}: {
  label: string;
  what: string;
  remove: () => void;
  title?: string;
  disabled?: boolean;
}) {
  return (
    <li class="chip" title={title}>
      {label}{' '}
      <button type="button" aria-label={`Remove ${what}`} disabled={disabled} onClick={remove}>
        ×
      </button>
    </li>
  );
}

/** The fields of all filters. Their values go into the URL. */
export function UserFilters({ filters }: { filters: Filters }) {
  const { search: _, ...others } = filters;
  const active = isFiltered({ ...others, search: undefined });
  const [open, setOpen] = useState(active);
  return (
    <>
      <div class="filters">
        <SearchField name="search" label="Search" type="search" placeholder="Name, address, phone…" />
        <button type="button" class="secondary" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Fewer filters' : 'More filters'}
        </button>
        {isFiltered(filters) && (
          <button type="button" class="link" onClick={() => clearFilters(filters)}>
            Clear all
          </button>
        )}
      </div>
      {open && (
        <div class="filters">
          <AddTag tags={filters.hasTag} />
          <AddField />
          <Select
            label="Opted in to"
            value={filters.optedIn ?? ''}
            set={(optedIn) => setQuery({ optedIn })}
            options={[['', 'Any'], ...PLATFORMS.map((platform): [string, string] => [platform, platform])]}
          />
          {Object.entries(TIMES).map(([name, label]) => (
            <DateField key={name} name={name} label={label} />
          ))}
          <Check
            label="Consented to export"
            value={!!filters.exportConsentOnly}
            set={(on) => setQuery({ exportConsentOnly: on ? 'true' : '' })}
          />
        </div>
      )}
      {(filters.hasTag.length > 0 || filters.customField) && (
        <ul class="chips" aria-label="Active tag and field filters">
          {filters.hasTag.map((tag) => (
            <Chip
              key={tag}
              label={tag}
              what={`the tag ${tag}`}
              remove={() => setQuery({ hasTag: filters.hasTag.filter((one) => one !== tag) })}
            />
          ))}
          {Object.entries(filters.customField ?? {}).map(([name, value]) => (
            <Chip
              key={name}
              label={`${name}: ${value}`}
              what={`the field ${name}`}
              remove={() => setQuery({ [`customField[${name}]`]: '' })}
            />
          ))}
        </ul>
      )}
    </>
  );
}
