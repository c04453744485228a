// The company's keys: made, shown once, revoked.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useDoing, useLoad } from '../../load';
import { Button, Confirm, Form, Select, Text } from '../../parts/forms';
import { Once } from '../../parts/one-time-secret';
import { Await, Badge, say } from '../../parts/feedback';
import { Card, Table, Time } from '../../parts/display';

type Scope = Schema<'Scope'>;
type Key = Schema<'OwnKey'>;

const USES: Record<Scope, string> = {
  server: 'For your servers: sends events and says things of people. It reads nothing.',
  admin: 'For people and tools that look after TrackMate: reads and changes everything of the company.',
};

function Add({ made }: { made: (key: string) => void }) {
  const [scope, setScope] = useState<Scope>('server');
  const [name, setName] = useState('');
  const doing = useDoing();
  const submit = async () => {
    const went = await doing.run(async (admin) => made((await answer(admin.POST('/api/admin/keys', { body: { scope, name } }))).key.key ?? ''));
    if (went) setName('');
  };
  return (
    <Form doing={doing} act="Make a key" submit={submit}>
      <Select label="What it may do" value={scope} set={(scope) => setScope(scope as Scope)} options={[['server', 'server'], ['admin', 'admin']]} hint={USES[scope]} />
      <Text label="Name" value={name} set={setName} maxLength={200} placeholder="checkout server" hint="So that you know later where it is used." />
    </Form>
  );
}

function Revoke({ of, close, done }: { of: Key; close: () => void; done: () => void }) {
  const doing = useDoing();
  const run = async () => {
    if (!(await doing.run((admin) => answer(admin.DELETE('/api/admin/keys/{id}', { params: { path: { id: of.id } } }))))) return;
    say(`${of.name || of.prefix} is revoked.`);
    close();
    done();
  };
  return (
    <Confirm title={`Revoke ${of.name || of.prefix}?`} act="Revoke it" doing={doing} close={close} run={run}>
      <p>Whatever uses <code>{of.prefix}…</code> is refused from now on{of.lastUsedAt && <>; it was last used <Time at={of.lastUsedAt} /> (noted once an hour)</>}. This cannot be taken back.</p>
    </Confirm>
  );
}

export function Keys() {
  const loaded = useLoad((admin) => answer(admin.GET('/api/admin/keys')), []);
  const [key, setKey] = useState('');
  const [asks, setAsks] = useState<Key>();
  const made = (key: string) => {
    setKey(key);
    loaded.reload();
  };
  return (
    <>
      <Card title="Make a key">
        {key && <Once secret={key} label="key"><p class="hint">TrackMate keeps only its hash. Put it where it is used, and nowhere else.</p></Once>}
        <Add made={made} />
      </Card>
      <Card title="Keys">
        <Await of={loaded}>
          {({ keys }) => (
            <Table
              caption="Keys"
              items={keys}
              keyOf={({ id }) => id}
              columns={[
                { name: 'Key', show: ({ name, prefix, current }) => <>{name || <span class="quiet">no name</span>} {current && <Badge tone="accent">signed in with it</Badge>}<div class="hint"><code>{prefix}…</code></div></> },
                { name: 'May', show: ({ scope }) => <Badge tone={scope === 'admin' ? 'warn' : 'quiet'}>{scope}</Badge> },
                { name: 'Made', show: ({ createdAt }) => <Time at={createdAt} /> },
                { name: 'Last used', show: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} /> : <span class="quiet">never</span>) },
                {
                  name: 'Revoke',
                  show: (one) => (one.revokedAt ? <span class="quiet">revoked <Time at={one.revokedAt} /></span> : one.current ? <span class="hint">Sign in with another to revoke it.</span> : <Button tone="small secondary" label={`Revoke ${one.name || one.prefix}`} onClick={() => setAsks(one)}>Revoke</Button>),
                },
              ]}
            />
          )}
        </Await>
        {asks && <Revoke of={asks} close={() => setAsks(undefined)} done={loaded.reload} />}
      </Card>
    </>
  );
}
