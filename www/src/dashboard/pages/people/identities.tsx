// A person's identities: email addresses, identified sessions, merged profiles. A link or a merge
// can be undone here.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { type Pages, useTask } from '../../load';
import { Confirm, Dialog } from '../../parts/dialog';
import { Button, Form, Text } from '../../parts/forms';
import { Badge, Problem, notify, Waiting } from '../../parts/feedback';
import { Card, More, number, plural, Table, Time } from '../../parts/display';
import { go, to } from '../../route';
import type { UserCardProps } from './card';

type Link = Schema<'Link'>;
type Merged = Schema<'Merged'>;
interface Undoing {
  user: UserCardProps['user'];
  /** Reloads the person. */
  changed: () => void;
  close: () => void;
}

/** Undoes a link or a merge. Goes to the list of people if the person was removed. */
function useUndo({ user, changed, close }: Undoing) {
  const task = useTask();
  const undo = (what: Schema<'UndoRequest'>) =>
    task.run(async (admin) => {
      const { removed, userId } = await answer(admin.POST('/api/admin/identity/undo', { body: what }));
      close();
      if (removed && userId === user.id) {
        notify('The link was undone. The person was removed, since only this link had created them.');
        go(['people']);
      } else {
        notify('Undone.');
        changed();
      }
    });
  return { task, undo };
}

function UndoLink({ link, ...rest }: Undoing & { link: Link }) {
  const { task, undo } = useUndo(rest);
  return (
    <Confirm
      title="Undo this link?"
      act="Undo the link"
      task={task}
      close={rest.close}
      run={() => undo({ messageId: link.messageId })}
    >
      <p>
        The session <code>{link.sessionId}</code> was identified as this person <Time at={link.at} />. If you undo the
        link:
      </p>
      <ul>
        <li>
          {plural(link.events, 'event')} of the session move to the other person identified there, or become anonymous.
        </li>
        <li>The identify is removed from the timeline, with the traits that only it claimed.</li>
        <li>The person is removed if only this link created them.</li>
        <li>
          Webhooks receive <code>identity.undone</code>. Earlier deliveries cannot be recalled.
        </li>
      </ul>
    </Confirm>
  );
}

function UndoMerge({ merged, ...rest }: Undoing & { merged: Merged }) {
  const { task, undo } = useUndo(rest);
  return (
    <Confirm
      title="Undo this merge?"
      act="Undo the merge"
      task={task}
      close={rest.close}
      run={() => undo({ profileId: merged.profileId })}
    >
      <p>
        <strong>{merged.email ?? merged.profileId}</strong> was merged into this person <Time at={merged.at} />. If you
        undo the merge:
      </p>
      <ul>
        <li>
          Each person has their own events, sessions, email addresses and records again. Events received since the merge
          go to the person of their address, id or session.
        </li>
        <li>Tags, custom fields and traits that were set since the merge stay with this person.</li>
        <li>
          Webhooks receive <code>user.unmerged</code>.
        </li>
      </ul>
    </Confirm>
  );
}

function NewAddress({ user, changed, close }: UserCardProps & { close: () => void }) {
  const [email, setEmail] = useState(user.email ?? '');
  const task = useTask();
  const submit = async () =>
    (await task.run(async (admin) =>
      changed(
        (await answer(admin.PATCH('/api/admin/users/{id}', { params: { path: { id: user.id } }, body: { email } })))
          .user,
      ),
    )) && close();
  return (
    <Dialog title="Change the email address" close={close}>
      <Form
        task={task}
        act="Save"
        submit={submit}
        actions={
          <Button tone="secondary" onClick={close}>
            Cancel
          </Button>
        }
      >
        <Text
          label="E-mail"
          type="email"
          required
          value={email}
          set={setEmail}
          hint="The old address is no longer used, but still finds this person until it is given to another."
        />
      </Form>
    </Dialog>
  );
}

export function Identities({
  user,
  pages,
  changed,
}: {
  user: UserCardProps['user'];
  pages: Pages<Link, Schema<'Identities'>>;
  changed: () => void;
}) {
  const [dialog, setDialog] = useState<{ link: Link } | { merged: Merged } | 'address'>();
  const close = () => setDialog(undefined);
  const rest = { user, changed, close };
  const profileName = (profileId: string) => (profileId === user.id ? 'this person' : <code>{profileId}</code>);
  return (
    <Card
      title="Identities"
      actions={
        <Button tone="small secondary" onClick={() => setDialog('address')}>
          Change address…
        </Button>
      }
    >
      <Problem error={pages.error} retry={pages.reload} />
      {!pages.first && !pages.error && <Waiting />}
      {pages.first && (
        <div class={pages.busy ? 'stale' : ''} aria-busy={pages.busy}>
          <h3>Email addresses</h3>
          {pages.first.addresses.length > 0 ? (
            <Table
              caption="Email addresses"
              items={pages.first.addresses}
              keyOf={({ email }) => email}
              columns={[
                { name: 'Address', show: ({ email }) => <span class="line">{email}</span> },
                { name: 'Since', show: ({ since }) => <Time at={since} /> },
                {
                  name: 'Ended',
                  show: ({ endedAt }) => (endedAt ? <Time at={endedAt} /> : <Badge tone="good">in use</Badge>),
                },
                { name: 'Profile', show: ({ profileId }) => profileName(profileId) },
              ]}
            />
          ) : (
            <p class="quiet">None.</p>
          )}
          <h3>Identified sessions</h3>
          {pages.items.length > 0 ? (
            <Table
              caption="Identified sessions"
              items={pages.items}
              keyOf={({ messageId }) => messageId}
              columns={[
                { name: 'Linked', show: ({ at }) => <Time at={at} /> },
                { name: 'Session', show: ({ sessionId }) => <code class="line">{sessionId}</code> },
                { name: 'Profile', show: ({ profileId }) => profileName(profileId) },
                { name: 'Events', number: true, show: ({ events }) => number(events) },
                {
                  name: 'Receipt',
                  show: ({ messageId }) => (
                    <a href={to(['live', 'browser', messageId])} aria-label={`Receipt of ${messageId}`}>
                      Receipt
                    </a>
                  ),
                },
                {
                  name: 'Undo',
                  show: (link) => (
                    <Button
                      tone="small secondary"
                      label={`Undo the link of ${link.sessionId}`}
                      onClick={() => setDialog({ link })}
                    >
                      Undo…
                    </Button>
                  ),
                },
              ]}
            />
          ) : (
            <p class="quiet">None. No browser session was identified as this person.</p>
          )}
          <More pages={pages} />
          {pages.first.merged.length > 0 && (
            <>
              <h3>Merged profiles</h3>
              <Table
                caption="Merged profiles"
                items={pages.first.merged}
                keyOf={({ profileId }) => profileId}
                columns={[
                  {
                    name: 'Profile',
                    show: ({ profileId, email }) => (
                      <>
                        {email} <code>{profileId}</code>
                      </>
                    ),
                  },
                  { name: 'Into', show: ({ into }) => profileName(into) },
                  { name: 'Merged', show: ({ at }) => <Time at={at} /> },
                  {
                    name: 'Undo',
                    show: (merged) => (
                      <Button
                        tone="small secondary"
                        label={`Undo the merge of ${merged.email ?? merged.profileId}`}
                        onClick={() => setDialog({ merged })}
                      >
                        Undo…
                      </Button>
                    ),
                  },
                ]}
              />
            </>
          )}
        </div>
      )}
      {dialog === 'address' && <NewAddress {...rest} />}
      {typeof dialog === 'object' && 'link' in dialog && <UndoLink link={dialog.link} {...rest} />}
      {typeof dialog === 'object' && 'merged' in dialog && <UndoMerge merged={dialog.merged} {...rest} />}
    </Card>
  );
}
