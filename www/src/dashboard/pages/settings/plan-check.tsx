// Checks an event against the edited plan. The API does the check and stores nothing.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Area, Form, Text } from '../../parts/forms';
import { Card } from '../../parts/display';

export function PlanCheck({ events, additionalEvents }: Schema<'Plan'>) {
  const [name, setName] = useState('');
  const [data, setData] = useState('{}');
  const [checked, setChecked] = useState<Schema<'PlanChecked'>>();
  const task = useTask();
  const submit = () =>
    task.run(async (admin) => {
      setChecked(undefined);
      let eventData: unknown;
      try {
        eventData = JSON.parse(data || '{}');
      } catch {
        throw new Error('The data is not valid JSON.');
      }
      setChecked(
        await answer(
          admin.POST('/api/admin/plan/check', {
            body: { events: [{ eventType: name, eventData }], plan: { events, additionalEvents } },
          }),
        ),
      );
    });
  const violations = checked?.refused.flatMap(({ violations }) => violations);
  return (
    <Card title="Check an event">
      <Form task={task} act="Check" submit={submit}>
        <p class="hint">Checks against the plan above, saved or not.</p>
        <Text label="Event name" value={name} set={setName} required placeholder="invoice_paid" />
        <Area label="Data" value={data} set={setData} spellcheck={false} />
        <div role="status" data-tried={violations && (violations.length ? 'refused' : 'fits')}>
          {violations?.length === 0 && (
            <p class="good">
              <strong>The event matches the plan.</strong>
            </p>
          )}
          {violations && violations.length > 0 && (
            <ul class="bad">
              {violations.map(({ field, message }) => (
                <li key={field}>{message}</li>
              ))}
            </ul>
          )}
        </div>
      </Form>
    </Card>
  );
}
