// A new webhook, and its secret, which is shown when it is made and never again.

import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useDoing } from '../../load';
import { Form } from '../../parts/forms';
import { Once } from '../../parts/one-time-secret';
import { Card, focusHeading, Page } from '../../parts/display';
import { to } from '../../route';
import { type Draft, draftOf, requestOf } from './draft';
import { Fields } from './fields';
import { Receiver } from './receiver';
import { Test } from './test';

function Made({ webhook }: { webhook: Schema<'Webhook'> }) {
  useEffect(focusHeading, []);
  return (
    <Page title={`${webhook.name} is ready`} actions={<a class="button" href={to(['webhooks', webhook.id])}>Go to the webhook</a>}>
      <Card title="Secret">
        <Once secret={webhook.secret ?? ''} label="secret"><p class="hint">Your receiver needs it to know that a delivery is TrackMate's. Lost, it can be replaced: the webhook's page rotates it.</p></Once>
      </Card>
      <Card title="Test"><Test id={webhook.id} done={() => {}} /></Card>
      <Card title="Receiver"><Receiver webhook={webhook} /></Card>
    </Page>
  );
}

export function New() {
  const [draft, setDraft] = useState<Draft>(draftOf);
  const [made, setMade] = useState<Schema<'Webhook'>>();
  const doing = useDoing();
  if (made) return <Made webhook={made} />;
  const submit = () => doing.run(async (admin) => setMade((await answer(admin.POST('/api/admin/webhooks', { body: requestOf(draft) }))).webhook));
  return (
    <Page title="Add a webhook" lead="It gets each event that you choose, signed with a secret of its own.">
      <Card>
        <Form doing={doing} act="Add the webhook" submit={submit} actions={<a href={to(['webhooks'])}>Cancel</a>}>
          <Fields draft={draft} set={(change) => setDraft((draft) => ({ ...draft, ...change }))} />
        </Form>
      </Card>
    </Page>
  );
}
