// Sends `webhook.test` once and shows request and response.

import { useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Button } from '../../parts/forms';
import { Badge, Problem, Waiting } from '../../parts/feedback';
import { duration, Facts, Json, Time } from '../../parts/display';

type Tested = Schema<'TestAnswer'>;

/** A body: JSON formatted, anything else unchanged. */
export function Body({ body }: { body: string | null }) {
  if (!body) return <p class="quiet">The response has no body.</p>;
  let shown: unknown = body;
  try {
    shown = JSON.parse(body);
  } catch {
    // Not JSON: shown unchanged.
  }
  return <Json value={typeof shown === 'object' ? shown : body} />;
}

export function Exchange({ at, tested }: { at: string; tested: Tested }) {
  const { delivered, request, statusCode, error, responseBody, durationMs } = tested;
  return (
    <div data-test={delivered ? 'delivered' : 'failed'}>
      <p>
        {delivered ? <Badge tone="good">delivered</Badge> : <Badge tone="bad">not delivered</Badge>}{' '}
        {error && <span class="bad">{error}</span>}
      </p>
      <Facts
        of={[
          ['Sent', <Time at={at} />],
          ['Status', statusCode ?? 'no answer'],
          ['Took', duration(durationMs)],
        ]}
      />
      <div class="grid">
        <div>
          <h3>Request</h3>
          <p class="hint">
            POST <code>{request.url}</code>
          </p>
          <Json
            value={Object.entries(request.headers)
              .map((header) => header.join(': '))
              .join('\n')}
          />
          <Body body={request.body} />
        </div>
        <div>
          <h3>Response</h3>
          {statusCode === null ? <p class="quiet">The receiver did not answer.</p> : <Body body={responseBody} />}
        </div>
      </div>
    </div>
  );
}

const one = (id: string) => (admin: Admin) =>
  answer(admin.POST('/api/admin/webhooks/{id}/test', { params: { path: { id } } }));

/** `send` is for the funnel's webhook, which has its own route. */
export function Test({
  id,
  done,
  send = one(id),
}: {
  id: string;
  done: () => void;
  send?: (admin: Admin) => Promise<Tested>;
}) {
  const task = useTask();
  const [sent, setSent] = useState<{ at: string; tested: Tested }>();
  const sendTest = () =>
    task.run(async (admin) => {
      const at = new Date().toISOString();
      setSent({ at, tested: await send(admin) });
      done();
    });
  return (
    <>
      <p class="hint">
        Sends <code>webhook.test</code> once, signed like any delivery, even while the webhook is off. It is not logged.
      </p>
      <Button tone="secondary" task={task} onClick={sendTest}>
        Send a test
      </Button>
      <Problem error={task.error} />
      {task.busy && <Waiting label="Waiting for the receiver" />}
      {!task.busy && sent && <Exchange at={sent.at} tested={sent.tested} />}
    </>
  );
}
