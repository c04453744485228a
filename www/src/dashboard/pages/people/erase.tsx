// Erasing a person: what will be deleted, and the page that shows the receipt afterwards.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask, useLoad } from '../../load';
import { Confirm } from '../../parts/dialog';
import { Form, Text } from '../../parts/forms';
import { Await, Badge, notify } from '../../parts/feedback';
import { Card, Copy, Facts, focusHeading, number, Page, plural, Time } from '../../parts/display';
import { displayName } from './list';

const COUNTED = 200;
const POLL_MS = 3_000;
const NAMES: [name: string, shown: string][] = [
  ['events', 'Events'],
  ['sessions', 'Sessions'],
  ['records', 'Records'],
  ['memberships', 'Memberships'],
  ['identities', 'Email addresses'],
  ['tags', 'Tags'],
  ['customFields', 'Custom fields'],
  ['deliveries', 'Deliveries'],
  ['attempts', 'Attempts'],
];

export function Erase({
  of: { user, summary, groups },
  identities,
  close,
  done,
}: {
  of: Schema<'UserAnswer'>;
  identities: Schema<'Identities'> | undefined;
  close: () => void;
  done: () => void;
}) {
  const [typed, setTyped] = useState('');
  const word = user.email ?? user.id;
  const task = useTask();
  const path = { id: user.id };
  const records = useLoad(
    (admin) => answer(admin.GET('/api/admin/users/{id}/records', { params: { path, query: { limit: COUNTED } } })),
    [],
  );
  const run = async () => {
    if (!(await task.run((admin) => answer(admin.DELETE('/api/admin/users/{id}', { params: { path } }))))) return;
    close();
    notify('The person was erased.');
    done();
  };
  const { data } = records;
  const merged = identities?.merged.length ?? 0;
  return (
    <Confirm
      title={`Erase ${displayName(user)}?`}
      act="Erase permanently"
      task={task}
      close={close}
      run={run}
      disabled={typed.trim() !== word}
    >
      <p>This cannot be undone. It deletes:</p>
      <ul>
        <li>
          {plural(summary.totalEvents, 'event')} of {plural(summary.sessions.total, 'session')}, and all their
          deliveries, including pending ones
        </li>
        <li>
          {data ? `${number(data.records.length)}${data.pagination.hasMore ? ' or more' : ''}` : '…'}{' '}
          {data?.records.length === 1 ? 'record' : 'records'}: bookings, QR codes, conversations and the like
        </li>
        <li>
          the profile with {plural(Object.keys(user.traits).length, 'trait')}, {plural(user.tags.length, 'tag')},{' '}
          {plural(Object.keys(user.customFields).length, 'custom field')}, consent and opt-ins
        </li>
        <li>
          {plural(identities?.addresses.length ?? 0, 'email address', 'email addresses')}
          {merged > 0 && `, and ${plural(merged, 'profile')} merged into this one`}
        </li>
        {groups.length > 0 && <li>their membership of {plural(groups.length, 'group')}; the groups themselves stay</li>}
      </ul>
      <p>
        A hash of the email address stays, so that a late event does not recreate the person. Webhooks receive{' '}
        <code>user.deleted</code>. You must erase the data in receivers and in your exports yourself.{' '}
        <a href="/docs/api/#erasing-a-person">TrackMate cannot erase what it cannot find.</a>
      </p>
      <Text
        label={
          <span>
            Type <code>{word}</code> to confirm
          </span>
        }
        value={typed}
        set={setTyped}
        autocomplete="off"
        spellcheck={false}
      />
    </Confirm>
  );
}

/** The page of an erased person: the current receipt. */
export function Erased({ id, back }: { id: string; back: ComponentChildren }) {
  const receipt = useLoad(
    async (admin) => (await answer(admin.GET('/api/admin/users/{id}/erasure', { params: { path: { id } } }))).receipt,
    [],
  );
  useEffect(() => {
    if (document.activeElement === document.body) focusHeading();
  }, []);
  useEffect(() => {
    if (receipt.data?.complete !== false) return;
    const timer = setTimeout(receipt.reload, POLL_MS);
    return () => clearTimeout(timer);
  }, [receipt.data]);
  return (
    <Page title="Erased person" lead={back}>
      <Card title="Receipt" class="receipt">
        <Await of={receipt}>
          {({ userId, erasedAt, complete, completedAt, counts }) => (
            <>
              <p>
                {complete ? <Badge tone="good">complete</Badge> : <Badge tone="warn">in progress</Badge>}{' '}
                {complete
                  ? 'Only this receipt is left of the person. It holds numbers only.'
                  : 'The person is already invisible. The rest of their data is being deleted in the background; the counts on this page grow.'}
              </p>
              <Facts
                of={[
                  ['Erased', <Time at={erasedAt} />],
                  ['Completed', <Time at={completedAt} />],
                  ...NAMES.map(([name, shown]): [string, string] => [shown, number(counts[name] ?? 0)]),
                ]}
              />
              <p class="quiet">
                Id <Copy text={userId} label="id" />
              </p>
            </>
          )}
        </Await>
      </Card>
      <LiftErasure />
    </Page>
  );
}

function LiftErasure() {
  const [email, setEmail] = useState('');
  const task = useTask();
  const lift = () =>
    task.run(async (admin) => {
      const { lifted } = await answer(admin.DELETE('/api/admin/tombstones', { body: { email } }));
      notify(
        lifted
          ? 'The address can be used again, by a new person.'
          : 'This address was not erased, or can be used again already.',
      );
      setEmail('');
    });
  return (
    <Card title="Allow the address again">
      <p>
        TrackMate rejects events with an erased email address. If its owner wants to use it again, allow it here. They
        become a new person; erased data stays erased.
      </p>
      <Form inline task={task} act="Allow" submit={lift}>
        <Text label="E-mail" type="email" required value={email} set={setEmail} autocomplete="off" />
      </Form>
    </Card>
  );
}
