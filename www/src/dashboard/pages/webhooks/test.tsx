// Sends `webhook.test` once and shows what came of it.

import { useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { useDoing } from '../../load';
import { Button } from '../../parts/ask';
import { Badge, Problem, Waiting } from '../../parts/say';
import { duration, Facts, Json, Time } from '../../parts/show';

type Tested = Schema<'TestAnswer'>;

/** An answer as it came: JSON laid out, anything else as it is. */
export function Answered({ body }: { body: string | null }) {
  if (!body) return <p class="quiet">The answer had no body.</p>;
  let shown: unknown = body;
  try {
    shown = JSON.parse(body);
  } catch {
    // Not JSON: as it came.
  }
  return <Json value={typeof shown === 'object' ? shown : body} />;
}

export function Exchange({ url, at, tested }: { url: string; at: string; tested: Tested }) {
  const { delivered, statusCode, error, responseBody, durationMs } = tested;
  return (
    <div data-test={delivered ? 'delivered' : 'failed'}>
      <p>{delivered ? <Badge tone="good">delivered</Badge> : <Badge tone="bad">not delivered</Badge>} {error && <span class="bad">{error}</span>}</p>
      <Facts of={[['Sent', <Time at={at} />], ['To', <code>POST {url}</code>], ['Event', <code>webhook.test</code>], ['Status', statusCode ?? 'no answer'], ['Took', duration(durationMs)]]} />
      <h3>Answer</h3>
      {statusCode === null ? <p class="quiet">Nobody answered.</p> : <Answered body={responseBody} />}
    </div>
  );
}

const one = (id: string) => (admin: Admin) => answer(admin.POST('/api/admin/webhooks/{id}/test', { params: { path: { id } } }));

/** `send` is for the funnel's, which has a route of its own. */
export function Test({ id, url, done, send = one(id), disabled = false }: { id: string; url: string; done: () => void; send?: (admin: Admin) => Promise<Tested>; disabled?: boolean }) {
  const doing = useDoing();
  const [sent, setSent] = useState<{ at: string; tested: Tested }>();
  const press = () =>
    doing.run(async (admin) => {
      const at = new Date().toISOString();
      setSent({ at, tested: await send(admin) });
      done();
    });
  return (
    <>
      <p class="hint">Sends <code>webhook.test</code> once, signed like any delivery, also while the webhook is off. It is not kept in the log.</p>
      <Button tone="secondary" doing={doing} disabled={disabled} onClick={press}>Send a test</Button>
      <Problem error={doing.error} />
      {doing.busy && <Waiting label="Waiting for the receiver's answer" />}
      {!doing.busy && sent && <Exchange url={url} at={sent.at} tested={sent.tested} />}
    </>
  );
}
