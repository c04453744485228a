// Creates a webhook, then shows its secret, which is not shown again.

import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Form } from '../../parts/forms';
import { OneTimeSecret } from '../../parts/one-time-secret';
import { Card, focusHeading, Page } from '../../parts/display';
import { to } from '../../route';
import { type Draft, draftOf, requestOf } from './draft';
import { Fields } from './fields';
import { Receiver } from './receiver';
import { Test } from './test';

function WebhookAdded({ webhook }: { webhook: Schema<'Webhook'> }) {
  useEffect(focusHeading, []);
  return (
    <Page
      title={`${webhook.name} is ready`}
      actions={
        <a class="button" href={to(['webhooks', webhook.id])}>
          Go to the webhook
        </a>
      }
    >
      <Card title="Secret">
        <OneTimeSecret secret={webhook.secret ?? ''} label="secret">
          <p class="hint">
            Your receiver needs it to verify deliveries. If you lose it, create a new one on the webhook's page.
          </p>
        </OneTimeSecret>
      </Card>
      <Card title="Test">
        <Test id={webhook.id} done={() => {}} />
      </Card>
      <Card title="Receiver">
        <Receiver webhook={webhook} />
      </Card>
    </Page>
  );
}

export function NewWebhook() {
  const [draft, setDraft] = useState<Draft>(draftOf);
  const [added, setAdded] = useState<Schema<'Webhook'>>();
  const task = useTask();
  if (added) return <WebhookAdded webhook={added} />;
  const submit = () =>
    task.run(async (admin) =>
      setAdded((await answer(admin.POST('/api/admin/webhooks', { body: requestOf(draft) }))).webhook),
    );
  return (
    <Page title="Add a webhook" lead="It receives the events that you choose, signed with its own secret.">
      <Card>
        <Form task={task} act="Add the webhook" submit={submit} actions={<a href={to(['webhooks'])}>Cancel</a>}>
          <Fields draft={draft} set={(change) => setDraft((draft) => ({ ...draft, ...change }))} />
        </Form>
      </Card>
    </Page>
  );
}
