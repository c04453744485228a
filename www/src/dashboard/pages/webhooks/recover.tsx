// Resends the failed deliveries of a period: 500 per request, with progress, until none is left or
// the viewer stops it.

import { useRef, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Button, Form, Select, Text } from '../../parts/forms';
import { Progress, notify } from '../../parts/feedback';
import { number, plural } from '../../parts/display';

type FinalStatus = NonNullable<Schema<'RecoverRequest'>['status']>;

const DAY_MS = 86_400_000;
/** A time in the format of a datetime-local field, in the viewer's zone. */
const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const iso = (field: string) => (field ? new Date(field).toISOString() : undefined);

export function Recover({ id, done }: { id: string; done: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button tone="secondary" onClick={() => setOpen(true)}>
        Recover…
      </Button>
      {open && <RecoverDialog id={id} done={done} close={() => setOpen(false)} />}
    </>
  );
}

function RecoverDialog({ id, done, close }: { id: string; done: () => void; close: () => void }) {
  const [since, setSince] = useState(() => local(Date.now() - DAY_MS));
  const [until, setUntil] = useState('');
  const [status, setStatus] = useState<FinalStatus | ''>('');
  const [requeued, setRequeued] = useState<number>();
  const [ended, setEnded] = useState<'all' | 'stopped'>();
  const stop = useRef(false);
  const task = useTask();
  const submit = async () => {
    stop.current = false;
    setEnded(undefined);
    setRequeued(0);
    let count = 0;
    const succeeded = await task.run(async (admin) => {
      let cursor: string | null = null;
      do {
        const step: Schema<'RecoverAnswer'> = await answer(
          admin.POST('/api/admin/webhooks/{id}/recover', {
            params: { path: { id } },
            body: {
              since: iso(since) ?? null,
              until: iso(until),
              status: status || undefined,
              cursor: cursor ?? undefined,
            },
          }),
        );
        count += step.requeued;
        setRequeued(count);
        cursor = step.nextCursor;
      } while (cursor && !stop.current);
      setEnded(cursor ? 'stopped' : 'all');
    });
    if (succeeded) notify(`${plural(count, 'delivery', 'deliveries')} queued again.`);
    done();
  };
  const cancel = () => {
    stop.current = true;
    close();
  };
  return (
    <Dialog title="Recover failed deliveries" close={cancel}>
      <p>
        Resends the failed or dismissed deliveries of this period, with the same ids and bodies. Pending and delivered
        ones are not touched, so it is safe to repeat.
      </p>
      <Form
        task={task}
        act="Recover"
        submit={submit}
        actions={
          task.busy && (
            <Button
              tone="secondary"
              onClick={() => {
                stop.current = true;
              }}
            >
              Stop
            </Button>
          )
        }
      >
        <Text label="Since" type="datetime-local" required value={since} set={setSince} />
        <Text label="Until" type="datetime-local" value={until} set={setUntil} hint="Leave empty for now." />
        <Select
          label="Status"
          value={status}
          set={(status) => setStatus(status as FinalStatus | '')}
          options={[
            ['', 'all'],
            ['exhausted', 'exhausted: all attempts failed'],
            ['failed_permanent', 'failed: the receiver rejected it'],
            ['dismissed', 'dismissed'],
          ]}
        />
        {task.busy && <Progress label={`${number(requeued ?? 0)} queued …`} />}
        {!task.busy && requeued !== undefined && (
          <p role="status" data-recovered={requeued}>
            {plural(requeued, 'delivery is', 'deliveries are')} queued again
            {ended === 'stopped'
              ? '. You stopped before the end. Recover again to continue'
              : ended
                ? ''
                : ' before the failure. Recover again to continue'}
            .
          </p>
        )}
      </Form>
    </Dialog>
  );
}
