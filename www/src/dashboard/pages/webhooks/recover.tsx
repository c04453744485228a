// Sends again what was given up in a window of time: 500 a call, with progress, until nothing is left or the viewer stops it.

import { useRef, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Button, Dialog, Form, Select, Text } from '../../parts/forms';
import { Progress, notify } from '../../parts/feedback';
import { number, plural } from '../../parts/display';

type FinalStatus = NonNullable<Schema<'RecoverRequest'>['status']>;

const DAY_MS = 86_400_000;
/** A time as a field of the viewer's zone has it. */
const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const iso = (field: string) => (field ? new Date(field).toISOString() : undefined);

export function Recover({ id, done }: { id: string; done: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button tone="secondary" onClick={() => setOpen(true)}>Recover…</Button>
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
          admin.POST('/api/admin/webhooks/{id}/recover', { params: { path: { id } }, body: { since: iso(since) ?? null, until: iso(until), status: status || undefined, cursor: cursor ?? undefined } }),
        );
        count += step.requeued;
        setRequeued(count);
        cursor = step.nextCursor;
      } while (cursor && !stop.current);
      setEnded(cursor ? 'stopped' : 'all');
    });
    if (succeeded) notify(`${plural(count, 'delivery', 'deliveries')} on the way again.`);
    done();
  };
  const cancel = () => {
    stop.current = true;
    close();
  };
  return (
    <Dialog title="Recover what was given up" close={cancel}>
      <p>Sends again the deliveries that were given up in this window, with their ids and bytes. Deliveries that waited or arrived are left alone, so doing it twice sends nothing twice.</p>
      <Form task={task} act="Recover" submit={submit} actions={task.busy && <Button tone="secondary" onClick={() => { stop.current = true; }}>Stop</Button>}>
        <Text label="Since" type="datetime-local" required value={since} set={setSince} />
        <Text label="Until" type="datetime-local" value={until} set={setUntil} hint="Empty for now." />
        <Select label="Which" value={status} set={(status) => setStatus(status as FinalStatus | '')} options={[['', 'all that was given up'], ['exhausted', 'exhausted: all attempts failed'], ['failed_permanent', 'refused by the receiver'], ['dismissed', 'dismissed']]} />
        {task.busy && <Progress label={`${number(requeued ?? 0)} on the way …`} />}
        {!task.busy && requeued !== undefined && (
          <p role="status" data-recovered={requeued}>
            {plural(requeued, 'delivery is', 'deliveries are')} on the way again{ended === 'stopped' ? '. Stopped before the end: the same again goes on from there' : ended ? '' : ' before it failed; the same again goes on from there'}.
          </p>
        )}
      </Form>
    </Dialog>
  );
}
