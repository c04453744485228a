// A person's traits and custom fields: names with values that can be set and removed.

import { useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Button, Form, Text } from '../../parts/forms';
import { Card } from '../../parts/display';
import type { UserCardProps } from './card';

/** Traits with a field of their own in the user object. Their values are texts. */
const KNOWN = [
  'fullName',
  'firstName',
  'lastName',
  'phone',
  'whatsappPhone',
  'gender',
  'locale',
  'timezone',
  'profilePic',
  'instagramUsername',
  'instagramId',
  'manychatId',
];

interface Pair {
  name: string;
  value: string;
}

interface Pairs {
  title: string;
  /** The noun for one of them. */
  noun: string;
  of: Pair[];
  empty: string;
  hint: string;
  /** Suggested names. */
  names?: string[];
  /** Sets a value. null removes it. */
  save: (admin: Admin, name: string, value: string | null) => Promise<void>;
}

function Edit({
  pair,
  noun,
  hint,
  names = [],
  save,
  close,
}: Pick<Pairs, 'noun' | 'hint' | 'names' | 'save'> & { pair: Pair | undefined; close: () => void }) {
  const [name, setName] = useState(pair?.name ?? '');
  const [value, setValue] = useState(pair?.value ?? '');
  const task = useTask();
  const put = async (value: string | null) => (await task.run((admin) => save(admin, name.trim(), value))) && close();
  return (
    <Dialog title={pair ? `Edit ${pair.name}` : `Add a ${noun}`} close={close}>
      <Form
        task={task}
        act="Save"
        submit={() => put(value)}
        actions={
          <>
            {pair && (
              <Button tone="secondary" task={task} onClick={() => put(null)}>
                Remove
              </Button>
            )}
            <Button tone="secondary" onClick={close}>
              Cancel
            </Button>
          </>
        }
      >
        {!pair && <Text label="Name" value={name} set={setName} required list="known-names" />}
        <datalist id="known-names">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Text label="Value" hint={hint} value={value} set={setValue} required />
      </Form>
    </Dialog>
  );
}

function PairsCard({ title, of, empty, ...rest }: Pairs) {
  const [edited, setEdited] = useState<Pair | 'new'>();
  return (
    <Card
      title={title}
      actions={
        <Button tone="small secondary" label={`Add a ${rest.noun}`} onClick={() => setEdited('new')}>
          Add
        </Button>
      }
    >
      {of.length > 0 ? (
        <dl class="pairs">
          {of.map((pair) => (
            <div key={pair.name} data-pair={pair.name}>
              <dt>{pair.name}</dt>
              <dd>
                <span>{pair.value}</span>{' '}
                <Button tone="link" label={`Edit ${pair.name}`} onClick={() => setEdited(pair)}>
                  Edit
                </Button>
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <p class="quiet">{empty}</p>
      )}
      {edited && <Edit pair={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} {...rest} />}
    </Card>
  );
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The editable form of a trait: a text as it is, unless it would be read as JSON. */
const typed = (value: unknown) =>
  typeof value === 'string' && parsed(value) === value ? value : JSON.stringify(value);

export function Traits({ user, changed }: UserCardProps) {
  return (
    <PairsCard
      title="Traits"
      noun="trait"
      of={Object.entries(user.traits).map(([name, value]) => ({
        name,
        value: KNOWN.includes(name) && typeof value === 'string' ? value : typed(value),
      }))}
      empty="No traits yet."
      hint="Numbers, true, false and JSON keep their type. Put them in quotation marks to store them as text. Traits set here take precedence over traits that pages claim."
      names={KNOWN}
      save={async (admin, name, value) => {
        const edited = value === null ? null : KNOWN.includes(name) ? value : parsed(value);
        const body = { traits: { [name]: edited } } as Schema<'UserEdit'>;
        changed((await answer(admin.PATCH('/api/admin/users/{id}', { params: { path: { id: user.id } }, body }))).user);
      }}
    />
  );
}

export function Fields({ user, changed }: UserCardProps) {
  return (
    <PairsCard
      title="Custom fields"
      noun="custom field"
      of={Object.entries(user.customFields).map(([name, value]) => ({ name, value }))}
      empty="None yet. You can filter people by custom fields."
      hint="At most 1000 characters."
      save={async (admin, name, value) => {
        const request = admin.PATCH('/api/admin/users/{id}/custom-fields', {
          params: { path: { id: user.id } },
          body: { [name]: value },
        });
        changed((await answer(request)).user);
      }}
    />
  );
}
