// The columns of an export: the API's own columns in its order, plus custom ones by name.

import { Check, Text } from '../../parts/forms';
import { setQuery } from '../../route';
import { useState } from 'preact/hooks';

export type Kind = 'users' | 'events';

/** Paths into the API's objects. docs/api.md lists them. */
export const COLUMNS: Record<Kind, string[]> = {
  users: [
    'id',
    'email',
    'fullName',
    'firstName',
    'lastName',
    'phone',
    'whatsappPhone',
    'gender',
    'locale',
    'timezone',
    'profilePic',
    'manychatId',
    'instagramUsername',
    'instagramId',
    'optIns.messenger',
    'optIns.instagram',
    'optIns.whatsapp',
    'optIns.telegram',
    'exportConsent.given',
    'exportConsent.at',
    'exportConsent.source',
    'tags',
    'customFields',
    'traits',
    'interactions.messagesCount',
    'interactions.commentsCount',
    'interactions.storiesCount',
    'interactions.totalCount',
    'interactions.lastUpdated',
    'stats.bookingsCount',
    'stats.qrScansCount',
    'stats.conversationsCount',
    'stats.lastBooking',
    'stats.lastSynced',
    'timestamps.subscribedAt',
    'timestamps.createdAt',
    'timestamps.updatedAt',
    'lastActive',
  ],
  events: ['messageId', 'eventType', 'timestamp', 'source', 'sessionId', 'userId', 'receivedAt', 'eventData'],
};
const EXAMPLES: Record<Kind, string> = {
  users: 'customFields.level, traits.plan',
  events: 'eventData.amount, eventData.currency',
};

/** `fields` are those of the URL; undefined means all of the API's own columns. */
export function Columns({ kind, fields }: { kind: Kind; fields: string[] | undefined }) {
  const known = COLUMNS[kind];
  const further = fields?.filter((field) => !known.includes(field)) ?? [];
  const [typed, setTyped] = useState(further.join(', '));
  const choose = (some: string[], more: string[]) =>
    setQuery({ fields: [...known.filter((field) => some.includes(field)), ...more].join(',') });
  return (
    <fieldset>
      <legend>Columns</legend>
      <p class="hint">
        {fields ? 'The ticked columns.' : 'All columns, unless you choose some.'}{' '}
        {fields && (
          <button
            type="button"
            class="link"
            onClick={() => {
              setTyped('');
              setQuery({ fields: '' });
            }}
          >
            Select all
          </button>
        )}
      </p>
      <div class="column-choice">
        {known.map((field) => (
          <Check
            key={field}
            label={<code>{field}</code>}
            value={fields?.includes(field) ?? false}
            set={(on) =>
              choose(on ? [...(fields ?? []), field] : (fields ?? []).filter((one) => one !== field), further)
            }
          />
        ))}
      </div>
      <Text
        label="Further columns, by name"
        hint={
          <>
            For example <code>{EXAMPLES[kind]}</code>.
          </>
        }
        value={typed}
        set={(text) => {
          setTyped(text);
          choose(
            fields ?? [],
            text
              .split(',')
              .map((field) => field.trim())
              .filter(Boolean),
          );
        }}
      />
    </fieldset>
  );
}
