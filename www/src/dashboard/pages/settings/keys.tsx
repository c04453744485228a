// The company's keys: create, show once, revoke.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask, useLoad } from '../../load';
import { Confirm } from '../../parts/dialog';
import { Button, Form, Select, Text } from '../../parts/forms';
import { OneTimeSecret } from '../../parts/one-time-secret';
import { Await, Badge, notify } from '../../parts/feedback';
import { Card, Table, Time } from '../../parts/display';

type Scope = Schema<'Scope'>;
type Key = Schema<'OwnKey'>;

const USES: Record<Scope, string> = {
  server: 'For your servers: sends events and sets data of people. Cannot read.',
  admin: 'For people and tools that manage TrackMate: can read and change everything of the company.',
};

function Add({ made }: { made: (key: string) => void }) {
  const [scope, setScope] = useState<Scope>('server');
  const [name, setName] = useState('');
  const task = useTask();
  const submit = async () => {
    const succeeded = await task.run(async (admin) =>
      made((await answer(admin.POST('/api/admin/keys', { body: { scope, name } }))).key.key ?? ''),
    );
    if (succeeded) setName('');
  };
  return (
    <Form task={task} act="Create a key" submit={submit}>
      <Select
        label="Scope"
        value={scope}
        set={(scope) => setScope(scope as Scope)}
        options={[
          ['server', 'server'],
          ['admin', 'admin'],
        ]}
        hint={USES[scope]}
      />
      <Text
        label="Name"
        value={name}
        set={setName}
        maxLength={200}
        placeholder="checkout server"
        hint="Helps you remember where the key is used."
      />
    </Form>
  );
}

function Revoke({ of, close, done }: { of: Key; close: () => void; done: () => void }) {
  const task = useTask();
  const run = async () => {
    if (!(await task.run((admin) => answer(admin.DELETE('/api/admin/keys/{id}', { params: { path: { id: of.id } } })))))
      return;
    notify(`${of.name || of.prefix} was revoked.`);
    close();
    done();
  };
  return (
    <Confirm title={`Revoke ${of.name || of.prefix}?`} act="Revoke" task={task} close={close} run={run}>
      <p>
        Requests with <code>{of.prefix}…</code> will be rejected.{' '}
        {of.lastUsedAt && (
          <>
            It was last used <Time at={of.lastUsedAt} /> (updated once an hour).{' '}
          </>
        )}
        This cannot be undone.
      </p>
    </Confirm>
  );
}

export function Keys() {
  const loaded = useLoad((admin) => answer(admin.GET('/api/admin/keys')), []);
  const [key, setKey] = useState('');
  const [confirming, setConfirming] = useState<Key>();
  const made = (key: string) => {
    setKey(key);
    loaded.reload();
  };
  return (
    <>
      <Card title="Create a key">
        {key && (
          <OneTimeSecret secret={key} label="key">
            <p class="hint">TrackMate stores only its hash.</p>
          </OneTimeSecret>
        )}
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
                {
                  name: 'Key',
                  show: ({ name, prefix, current }) => (
                    <>
                      {name || <span class="quiet">no name</span>}{' '}
                      {current && <Badge tone="accent">current session</Badge>}
                      <div class="hint">
                        <code>{prefix}…</code>
                      </div>
                    </>
                  ),
                },
                {
                  name: 'Scope',
                  show: ({ scope }) => <Badge tone={scope === 'admin' ? 'warn' : 'quiet'}>{scope}</Badge>,
                },
                { name: 'Created', show: ({ createdAt }) => <Time at={createdAt} /> },
                {
                  name: 'Last used',
                  show: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} /> : <span class="quiet">never</span>),
                },
                {
                  name: 'Revoke',
                  show: (one) =>
                    one.revokedAt ? (
                      <span class="quiet">
                        revoked <Time at={one.revokedAt} />
                      </span>
                    ) : one.current ? (
                      <span class="hint">Sign in with another key to revoke it.</span>
                    ) : (
                      <Button
                        tone="small secondary"
                        label={`Revoke ${one.name || one.prefix}`}
                        onClick={() => setConfirming(one)}
                      >
                        Revoke
                      </Button>
                    ),
                },
              ]}
            />
          )}
        </Await>
        {confirming && <Revoke of={confirming} close={() => setConfirming(undefined)} done={loaded.reload} />}
      </Card>
    </>
  );
}
