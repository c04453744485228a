// Edits or deletes a webhook.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Confirm } from '../../parts/dialog';
import { Button, Form } from '../../parts/forms';
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
    if (!(await task.run((admin) => answer(admin.DELETE('/api/admin/webhooks/{id}', { params: { path: { id } } })))))
      return;
    notify(`${name} was deleted.`);
    go(['webhooks']);
  };
  return (
    <Card title="Delete">
      <p>
        This dismisses waiting deliveries and removes the webhook's log. To pause the webhook, switch it off instead.
      </p>
      <Button tone="danger" onClick={() => setConfirming(true)}>
        Delete this webhook
      </Button>
      {confirming && (
        <Confirm title={`Delete ${name}?`} act="Delete" task={task} close={() => setConfirming(false)} run={run}>
          <p>
            This also deletes its secret, headers and log.{' '}
            {stats.held > 0 && `${held(stats.held)} held deliveries are dismissed and will not be sent. `}This cannot be
            undone.
          </p>
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
      const { webhook: changed } = await answer(
        admin.PATCH('/api/admin/webhooks/{id}', {
          params: { path: { id: webhook.id } },
          body: changeOf(draft, before),
        }),
      );
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
          <Fields
            funnel={webhook.id === FUNNEL_WEBHOOK}
            draft={draft}
            set={(change) => setDraft((draft) => ({ ...draft, ...change }))}
          />
        </Form>
      </Card>
      <Delete webhook={webhook} />
    </>
  );
}
