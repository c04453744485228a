// One person: summary, timeline, tags, groups, traits, consent, records and identities.

import { useState } from 'preact/hooks';
import { ApiError, answer, type Schema } from '../../../api';
import { useLoad, usePages } from '../../load';
import { Button } from '../../parts/forms';
import { Problem, Waiting } from '../../parts/feedback';
import { Card, Copy, Facts, number, Page, Time } from '../../parts/display';
import { Records } from './records';
import type { UserCardProps } from './card';
import { Consent } from './consent';
import { Erase, Erased } from './erase';
import { Groups } from './groups';
import { Identities } from './identities';
import { backToList, displayName } from './list';
import { Merge } from './merge';
import { Origin } from './origin';
import { Fields, Traits } from './traits';
import { PersonExport } from './person-export';
import { Tags } from './tags';
import { Timeline } from './timeline';

const LINKS = 500;
const AMOUNT = new Intl.NumberFormat(undefined, { maximumFractionDigits: 9 });
const money = (revenue: Schema<'Money'>[]) =>
  revenue.map(({ amount, currency }) => `${AMOUNT.format(amount)} ${currency}`).join(', ') || '–';

export function Person({ id }: { id: string }) {
  const [dialog, setDialog] = useState<'merge' | 'erase' | 'export'>();
  // A new version reloads everything, for example after a link was undone.
  const [version, setVersion] = useState(0);
  const reloadAll = () => setVersion((version) => version + 1);
  const path = { id };
  const person = useLoad((admin) => answer(admin.GET('/api/admin/users/{id}', { params: { path } })), [version]);
  const identities = usePages(
    (admin, cursor): Promise<Schema<'Identities'>> =>
      answer(admin.GET('/api/admin/users/{id}/identities', { params: { path, query: { cursor, limit: LINKS } } })),
    ({ links }) => links,
    [version],
  );
  const error = person.error instanceof ApiError ? person.error : undefined;
  const back = <a href={backToList()}>← All people</a>;
  if (error?.status === 410) return <Erased id={id} back={back} />;
  if (!person.data)
    return (
      <Page title="Person" lead={back}>
        {person.error ? (
          <Problem error={person.error} retry={error?.status === 404 ? undefined : person.reload} />
        ) : (
          <Waiting />
        )}
      </Page>
    );
  const { data } = person;
  const { user, summary, groups } = data;
  const card: UserCardProps = { user, changed: (user) => person.set({ ...data, user }) };
  const close = () => setDialog(undefined);
  const { total, client, server } = summary.sessions;
  return (
    <Page
      title={displayName(user)}
      name="Person"
      lead={
        <>
          {back} · {user.name && user.email ? `${user.email} · ` : ''}
          <Copy text={user.id} label="id" />
        </>
      }
      actions={
        <>
          <Button tone="secondary" onClick={() => setDialog('export')}>
            Export…
          </Button>
          <Button tone="secondary" onClick={() => setDialog('merge')}>
            Merge…
          </Button>
          <Button tone="danger" onClick={() => setDialog('erase')}>
            Erase…
          </Button>
        </>
      }
    >
      {id !== user.id && (
        <p class="notice">
          The profile <code>{id}</code> was merged into this person.
        </p>
      )}
      <Problem error={person.error} retry={person.reload} />
      <Card>
        <Facts
          of={[
            ['Events', number(summary.totalEvents)],
            ['Sessions', `${number(total)} (${number(client)} browser, ${number(server)} server)`],
            ['Revenue', money(summary.totalRevenue)],
            ['Last active', <Time at={summary.lastActive} />],
            ['Created', <Time at={user.createdAt} />],
            ['First seen', <Origin id={user.id} version={version} />],
            ['First identified', <Time at={user.timestamps.subscribedAt} />],
          ]}
        />
      </Card>
      <div class="person">
        <div>
          <Timeline id={user.id} links={identities.items} version={version} />
        </div>
        <div>
          <Tags {...card} />
          <Groups groups={groups} />
          <Traits {...card} />
          <Fields {...card} />
          <Consent {...card} />
        </div>
      </div>
      <Records user={user} version={version} />
      <Identities user={user} pages={identities} changed={reloadAll} />
      {dialog === 'export' && <PersonExport user={user} close={close} />}
      {dialog === 'merge' && <Merge user={user} summary={summary} close={close} />}
      {dialog === 'erase' && <Erase of={data} identities={identities.first} close={close} done={reloadAll} />}
    </Page>
  );
}
