// A person's consent: to exports, and to messages on each platform.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Button, Check, Form, Text } from '../../parts/forms';
import { Badge, Problem } from '../../parts/feedback';
import { Card, Time } from '../../parts/display';
import type { UserCardProps } from './card';
import { PLATFORMS } from './filters';

const NAMES = { messenger: 'Messenger', instagram: 'Instagram', whatsapp: 'WhatsApp', telegram: 'Telegram' };

function ConsentDialog({ user, changed, close }: UserCardProps & { close: () => void }) {
  const { given } = user.exportConsent;
  const [at, setAt] = useState('');
  const [source, setSource] = useState('');
  const task = useTask();
  const submit = () =>
    task
      .run(async (admin) => {
        const exportConsent = {
          given: !given,
          ...(at && { at: new Date(at).toISOString() }),
          ...(source.trim() && { source: source.trim() }),
        };
        changed(
          (
            await answer(
              admin.PATCH('/api/admin/users/{id}', { params: { path: { id: user.id } }, body: { exportConsent } }),
            )
          ).user,
        );
      })
      .then((succeeded) => succeeded && close());
  return (
    <Dialog title={given ? 'Record a withdrawal of consent' : 'Record consent'} close={close}>
      <Form
        task={task}
        act={given ? 'Record withdrawal' : 'Record consent'}
        submit={submit}
        actions={
          <Button tone="secondary" onClick={close}>
            Cancel
          </Button>
        }
      >
        <Text label="When" type="datetime-local" value={at} set={setAt} hint="Leave empty for now." />
        <Text
          label="Source"
          value={source}
          set={setSource}
          hint="For example a form, a call or a contract. Leave empty for “admin”."
        />
      </Form>
    </Dialog>
  );
}

export function Consent({ user, changed }: UserCardProps) {
  const [isOpen, setIsOpen] = useState(false);
  const task = useTask();
  // A tick shows at once, and is undone if the API rejects it.
  const [ticked, setTicked] = useState<Schema<'UserEdit'>['optIns']>({});
  const { given, at, source } = user.exportConsent;
  const setOptIns = async (optIns: Schema<'UserEdit'>['optIns']) => {
    setTicked(optIns);
    await task.run(async (admin) =>
      changed(
        (await answer(admin.PATCH('/api/admin/users/{id}', { params: { path: { id: user.id } }, body: { optIns } })))
          .user,
      ),
    );
    setTicked({});
  };
  return (
    <Card
      title="Consent"
      actions={
        <Button tone="small secondary" onClick={() => setIsOpen(true)}>
          {given ? 'Withdraw…' : 'Record consent…'}
        </Button>
      }
    >
      <p>
        Export: <Badge tone={given ? 'good' : 'quiet'}>{given ? 'given' : at ? 'withdrawn' : 'not given'}</Badge>
        {at && (
          <>
            {' '}
            <Time at={at} />
            {source && `, source: ${source}`}
          </>
        )}
      </p>
      <fieldset>
        <legend>Opted in to</legend>
        {PLATFORMS.map((platform) => (
          <Check
            key={platform}
            label={NAMES[platform]}
            value={ticked?.[platform] ?? user.optIns[platform]}
            aria-disabled={task.busy}
            onClick={(click) => task.busy && click.preventDefault()}
            set={(on) => setOptIns({ [platform]: on })}
          />
        ))}
      </fieldset>
      <Problem error={task.error} />
      {isOpen && <ConsentDialog user={user} changed={changed} close={() => setIsOpen(false)} />}
    </Card>
  );
}
