// The groups of a person (companies, accounts, teams), and the other members of each.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useLoad, usePages } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Await, Problem } from '../../parts/feedback';
import { Card, Facts, Json, More, number, Time } from '../../parts/display';
import { to } from '../../route';

type Group = Schema<'GroupOf'>;

const MEMBERS = 50;
const groupName = ({ name, groupId }: Group) => name || groupId;

function GroupDialog({ group, close }: { group: Group; close: () => void }) {
  const path = { id: group.id };
  const details = useLoad(
    async (admin) => (await answer(admin.GET('/api/admin/groups/{id}', { params: { path } }))).group,
    [],
  );
  const pages = usePages(
    (admin, cursor): Promise<Schema<'MemberPage'>> =>
      answer(admin.GET('/api/admin/groups/{id}/members', { params: { path, query: { cursor, limit: MEMBERS } } })),
    ({ members }) => members,
    [],
  );
  return (
    <Dialog title={groupName(group)} close={close}>
      <Await of={details}>
        {({ kind, groupId, traits, createdAt, updatedAt, membersCount }) => (
          <>
            <Facts
              of={[
                ['Kind', kind],
                ['Id', <code>{groupId}</code>],
                ['Members', number(membersCount)],
                ['Created', <Time at={createdAt} />],
                ['Updated', <Time at={updatedAt} />],
              ]}
            />
            <Json value={traits} />
          </>
        )}
      </Await>
      <h3>Members</h3>
      <Problem error={pages.error} retry={pages.reload} />
      <ul class="members" aria-busy={pages.busy}>
        {pages.items.map(({ id, name, email }) => (
          <li key={id}>
            <a href={to(['people', id])} onClick={close}>
              {name || email || id}
            </a>{' '}
            {name && email && <span class="quiet">{email}</span>}
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </Dialog>
  );
}

export function Groups({ groups }: { groups: Group[] }) {
  const [opened, setOpened] = useState<Group>();
  if (!groups.length) return null;
  return (
    <Card title="Groups">
      <ul class="members">
        {groups.map((group) => (
          <li key={group.id}>
            <button type="button" class="link" onClick={() => setOpened(group)}>
              {groupName(group)}
            </button>{' '}
            <span class="quiet">{group.kind}</span>
          </li>
        ))}
      </ul>
      {opened && <GroupDialog group={opened} close={() => setOpened(undefined)} />}
    </Card>
  );
}
