// Replaces a webhook's secret. For some hours both secrets sign.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Form, Text } from '../../parts/forms';
import { OneTimeSecret } from '../../parts/one-time-secret';
import { Card, when } from '../../parts/display';
import { variable } from './receiver';

export function Secret({ webhook }: { webhook: Schema<'Webhook'> }) {
  const [hours, setHours] = useState('24');
  const [made, setMade] = useState<{ secret: string; until?: Date }>();
  const task = useTask();
  const submit = () =>
    task.run(async (admin) => {
      const graceHours = Number(hours);
      const rotated = await answer(
        admin.POST('/api/admin/webhooks/{id}/rotate-secret', {
          params: { path: { id: webhook.id } },
          body: { graceHours },
        }),
      );
      setMade({
        secret: rotated.webhook.secret ?? '',
        until: graceHours > 0 ? new Date(Date.now() + graceHours * 3_600_000) : undefined,
      });
    });
  return (
    <Card title="Secret">
      <p>
        The secret signs each delivery. It is stored encrypted and not shown again. The example receivers read it from{' '}
        <code>{variable(webhook.name)}</code>.
      </p>
      {made && (
        <OneTimeSecret secret={made.secret} label="new secret">
          <p class="hint">
            {made.until
              ? `The old secret also signs until ${when(made.until.toISOString())}. Give your receiver the new one before that.`
              : 'The old secret no longer signs. Your receiver needs the new one now.'}
          </p>
        </OneTimeSecret>
      )}
      <h3>Replace the secret</h3>
      <Form task={task} act="Create a new secret" submit={submit}>
        <Text
          label="Hours during which the old secret also signs"
          type="number"
          required
          min={0}
          max={168}
          value={hours}
          set={setHours}
          hint="During this time deliveries have both signatures, so you can update your receiver at any moment. With 0 the old secret stops at once."
        />
      </Form>
    </Card>
  );
}
