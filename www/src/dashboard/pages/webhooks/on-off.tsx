// Switches webhooks on and off, one or all. If deliveries were held meanwhile, the viewer chooses
// to send or dismiss them.

import { useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Button } from '../../parts/forms';
import { Problem, notify } from '../../parts/feedback';
import { held } from './health';

type Webhook = Schema<'Webhook'>;
type Choice = 'deliver' | 'dismiss';

const change = (admin: Admin, id: string, body: Schema<'WebhookChange'>) =>
  answer(admin.PATCH('/api/admin/webhooks/{id}', { params: { path: { id } }, body }));

/** Asks what to do with held deliveries. */
function HeldDialog({
  title,
  count,
  act,
  close,
  task,
}: {
  title: string;
  count: number;
  act: (choice: Choice) => void;
  close: () => void;
  task: ReturnType<typeof useTask>;
}) {
  return (
    <Dialog title={title} close={close}>
      <p>
        {held(count)} {count === 1 ? 'delivery was' : 'deliveries were'} held while it was off. They keep their ids and
        bodies, and are sent oldest first. Dismissed deliveries stay in the log and can be recovered from there.
      </p>
      <Problem error={task.error} />
      <div class="actions">
        <Button task={task} onClick={() => act('deliver')}>
          Switch on and send them
        </Button>
        <Button tone="secondary" task={task} onClick={() => act('dismiss')}>
          Switch on and dismiss them
        </Button>
      </div>
    </Dialog>
  );
}

/** The switch of one webhook. */
export function Switch({ webhook, done, small = false }: { webhook: Webhook; done: () => void; small?: boolean }) {
  const task = useTask();
  const [confirming, setConfirming] = useState(false);
  const { id, name, active, stats } = webhook;
  const set = async (body: Schema<'WebhookChange'>) => {
    if (!(await task.run((admin) => change(admin, id, body)))) return;
    setConfirming(false);
    notify(`${name} is ${body.active ? 'on' : 'off'}.`);
    done();
  };
  const toggle = () => (active ? set({ active: false }) : stats.held ? setConfirming(true) : set({ active: true }));
  return (
    <>
      <Button
        tone={small ? 'small secondary' : 'secondary'}
        task={task}
        label={`${active ? 'Switch off' : 'Switch on'} ${name}`}
        onClick={toggle}
      >
        {active ? 'Switch off' : 'Switch on'}
      </Button>
      {!confirming && <Problem error={task.error} />}
      {confirming && (
        <HeldDialog
          title={`Switch on ${name}`}
          count={stats.held}
          task={task}
          close={() => setConfirming(false)}
          act={(held) => set({ active: true, held })}
        />
      )}
    </>
  );
}

/**
 * Switches all webhooks on and dismisses held deliveries. Webhooks with held deliveries are
 * switched off first, so that nothing is sent in between. If the task fails halfway, they show as
 * off in the list.
 */
async function dismissAll(admin: Admin, webhooks: Webhook[]) {
  const holding = webhooks.filter(({ active, stats }) => active && stats.held > 0);
  for (const { id } of holding) await change(admin, id, { active: false });
  await answer(admin.PATCH('/api/admin/settings', { body: { webhooksEnabled: true } }));
  for (const { id } of holding) await change(admin, id, { active: true, held: 'dismiss' });
}

/** The switch of all webhooks. */
export function SwitchAll({ on, webhooks, done }: { on: boolean; webhooks: Webhook[]; done: () => void }) {
  const task = useTask();
  const [confirming, setConfirming] = useState(false);
  const count = webhooks.filter(({ active }) => active).reduce((sum, { stats }) => sum + stats.held, 0);
  const set = async (step: (admin: Admin) => Promise<unknown>, message: string) => {
    if (!(await task.run(step))) return;
    setConfirming(false);
    notify(message);
    done();
  };
  const enable = (webhooksEnabled: boolean) => (admin: Admin) =>
    answer(admin.PATCH('/api/admin/settings', { body: { webhooksEnabled } }));
  const toggle = () => {
    if (on) return set(enable(false), 'All webhooks are off. Deliveries are held.');
    return count ? setConfirming(true) : set(enable(true), 'Webhooks are on.');
  };
  const act = (choice: Choice) =>
    set(choice === 'deliver' ? enable(true) : (admin) => dismissAll(admin, webhooks), 'Webhooks are on.');
  return (
    <>
      <Button tone="secondary" task={task} onClick={toggle}>
        {on ? 'Switch all off' : 'Switch all on'}
      </Button>
      {!confirming && <Problem error={task.error} />}
      {confirming && (
        <HeldDialog
          title="Switch all webhooks on"
          count={count}
          task={task}
          close={() => setConfirming(false)}
          act={act}
        />
      )}
    </>
  );
}
