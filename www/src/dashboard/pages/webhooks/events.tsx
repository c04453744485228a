// Selects a webhook's events from the catalog: names, families (`booking.*`), all (`*`), and names
// that are not in the catalog yet.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useLoad } from '../../load';
import { Button, Text } from '../../parts/forms';
import { Problem } from '../../parts/feedback';
import { when } from '../../parts/display';

type Entry = Schema<'CatalogEntry'>;

const family = (name: string) => (name.includes('.') ? `${name.slice(0, name.indexOf('.'))}.*` : '');

/** Whether a chosen pattern other than the name itself includes it. */
export const covered = (name: string, chosen: string[]) =>
  chosen.some((one) => one !== name && (one === '*' || (one.endsWith('.*') && name.startsWith(one.slice(0, -1)))));

/** Families first, in the order of the catalog; names without a family last. */
function families(entries: Entry[]): [family: string, entries: Entry[]][] {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) found.set(family(entry.name), [...(found.get(family(entry.name)) ?? []), entry]);
  return [...found].sort(([a], [b]) => Number(a === '') - Number(b === ''));
}

function Choice({
  pattern,
  chosen,
  set,
  hint,
}: {
  pattern: string;
  chosen: string[];
  set: (chosen: string[]) => void;
  hint?: string;
}) {
  const byOther = covered(pattern, chosen);
  const toggle = (on: boolean) => set(on ? [...chosen, pattern] : chosen.filter((one) => one !== pattern));
  return (
    <label class="pattern">
      <input
        type="checkbox"
        checked={byOther || chosen.includes(pattern)}
        disabled={byOther}
        onChange={(change) => toggle(change.currentTarget.checked)}
      />
      <code>{pattern}</code>
      {hint && <span class="hint">{hint}</span>}
    </label>
  );
}

const hintOf = ({ description, lastSeenAt }: Entry) =>
  [description, lastSeenAt && `Last seen ${when(lastSeenAt)}.`].filter(Boolean).join(' ');

export function Events({ chosen, set }: { chosen: string[]; set: (chosen: string[]) => void }) {
  const { data, error, reload } = useLoad((admin) => answer(admin.GET('/api/admin/events/catalog')), []);
  const [search, setSearch] = useState('');
  const [other, setOther] = useState('');
  const entries = (data?.events ?? []).filter(
    ({ name, description }) =>
      name !== 'webhook.test' && `${name} ${description ?? ''}`.toLowerCase().includes(search.toLowerCase()),
  );
  const add = () => {
    const name = other.trim();
    if (name && !chosen.includes(name)) set([...chosen, name]);
    setOther('');
  };
  return (
    <fieldset class="events-picker">
      <legend>Events</legend>
      {chosen.length === 0 ? (
        <p class="hint">No events chosen yet. A webhook needs at least one.</p>
      ) : (
        <ul class="patterns" aria-label="Chosen events">
          {chosen.map((one) => (
            <li key={one}>
              <code>{one === '*' ? '* (every event)' : one}</code>
              <button
                type="button"
                class="link"
                aria-label={`Remove ${one}`}
                onClick={() => set(chosen.filter((kept) => kept !== one))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <Choice pattern="*" chosen={chosen} set={set} hint="all events, including future ones" />
      <Problem error={error} retry={reload} />
      <Text label="Search" type="search" value={search} set={setSearch} placeholder="payment" />
      <div class="catalogue" tabIndex={0} role="region" aria-label="Event catalog">
        {families(entries).map(([name, own]) => (
          <div key={name} class="family">
            {name && !search && <Choice pattern={name} chosen={chosen} set={set} hint="all events of this family" />}
            <div class={name && !search ? 'members' : ''}>
              {own.map((entry) => (
                <Choice key={entry.name} pattern={entry.name} chosen={chosen} set={set} hint={hintOf(entry)} />
              ))}
            </div>
          </div>
        ))}
        {data && entries.length === 0 && (
          <p class="hint">
            The catalog has no such name. Add it below: you can subscribe to a name before you send it.
          </p>
        )}
        {data?.hasMore && (
          <p class="hint">The catalog is full, so a new name may be missing. You can add any name below.</p>
        )}
      </div>
      <div class="row">
        <Text
          label="Another name"
          value={other}
          set={setOther}
          placeholder="invoice.paid or invoice.*"
          onKeyDown={(key) => {
            if (key.key === 'Enter') {
              key.preventDefault();
              add();
            }
          }}
        />
        <Button tone="secondary" disabled={!other.trim()} onClick={add}>
          Add
        </Button>
      </div>
    </fieldset>
  );
}
