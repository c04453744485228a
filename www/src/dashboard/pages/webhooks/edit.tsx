// Changing a webhook, and deleting it.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Button, Confirm, Form } from '../../parts/forms';
import { notify } from '../../parts/feedback';
import { Card } from '../../parts/display';
import { go } from '../../route';
import { changeOf, type Draft, draftOf } from './draft';
import { Fields } from './fields';
import { FUNNEL_WEBHOOK } from './funnel';
import { held } from './health';

type Webhook = Schema<'Webhook'>;

function Delete({ webhook }: { webhook: Webhook }) {
  const [confirming, setConfirming] = useState(false);
  const task = useTask();
  const { id, name, stats } = webhook;
  const run = async () => {
    if (!(await task.run((admin) => answer(admin.DELETE('/api/admin/webhooks/{id}', { params: { path: { id } } }))))) return;
    notify(`${name} is deleted.`);
    go(['webhooks']);
  };
  return (
    <Card title="Delete">
      <p>Deliveries that wait are dismissed, and the log of this webhook cannot be looked at any more. To pause it, switch it off instead.</p>
      <Button tone="danger" onClick={() => setConfirming(true)}>Delete this webhook</Button>
      {confirming && (
        <Confirm title={`Delete ${name}?`} act="Delete it" task={task} close={() => setConfirming(false)} run={run}>
          <p>Gone with it: its secret, its headers, and its log. {stats.held > 0 && `${held(stats.held)} held deliveries are dismissed and never go out. `}This cannot be taken back.</p>
        </Confirm>
      )}
    </Card>
  );
}

export function Edit({ webhook, done }: { webhook: Webhook; done: () => void }) {
  const [before, setBefore] = useState(() => draftOf(webhook));
  const [draft, setDraft] = useState<Draft>(before);
  const task = useTask();
  const submit = async () => {
    const saved = await task.run(async (admin) => {
      const { webhook: changed } = await answer(admin.PATCH('/api/admin/webhooks/{id}', { params: { path: { id: webhook.id } }, body: changeOf(draft, before) }));
      setBefore(draftOf(changed));
      setDraft(draftOf(changed));
    });
    if (!saved) return;
    notify('Saved.');
    done();
  };
  return (
    <>
      <Card title="Edit">
        <Form task={task} act="Save" submit={submit}>
          <Fields funnel={webhook.id === FUNNEL_WEBHOOK} draft={draft} set={(change) => setDraft((draft) => ({ ...draft, ...change }))} />
        </Form>
      </Card>
      <Delete webhook={webhook} />
    </>
  );
}
