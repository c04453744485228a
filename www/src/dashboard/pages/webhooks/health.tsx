// A webhook's state and a delivery's status, as badges.

import type { Schema } from '../../../api';
import { Badge, type Tone } from '../../parts/feedback';
import { number, when } from '../../parts/display';

type Webhook = Schema<'Webhook'>;
export type Status = Schema<'Delivery'>['status'];

/** Held deliveries are counted up to this number. */
const HELD_COUNTED = 1000;
export const held = (count: number) => (count < HELD_COUNTED ? number(count) : `${number(HELD_COUNTED)} or more`);

export const STATUSES: [status: Status, name: string, tone: Tone][] = [
  ['pending', 'pending', 'accent'],
  ['held', 'held', 'warn'],
  ['delivered', 'delivered', 'good'],
  ['failed_permanent', 'failed', 'bad'],
  ['exhausted', 'exhausted', 'bad'],
  ['dismissed', 'dismissed', 'quiet'],
];

export function State({ status }: { status: Status }) {
  const [, name, tone] = STATUSES.find(([one]) => one === status) ?? [status, status, 'quiet' as Tone];
  return <Badge tone={tone}>{name}</Badge>;
}

/** Whether the webhook is on, off, or waiting for its receiver, with the reason if there is one. */
export function Health({ webhook, allOn }: { webhook: Webhook; allOn: boolean }) {
  const { active, circuit, disabledReason } = webhook;
  if (!active) {
    return (
      <>
        <Badge tone={disabledReason ? 'bad' : 'quiet'}>off</Badge>
        {disabledReason && <div class="hint">Switched off by TrackMate: {disabledReason}.</div>}
      </>
    );
  }
  return (
    <>
      {allOn ? <Badge tone="good">on</Badge> : <Badge tone="warn">all webhooks are off</Badge>}{' '}
      {circuit.state === 'open' && (
        <>
          <Badge tone="bad">not answering</Badge>
          <div class="hint">
            Deliveries wait. Next attempt{circuit.nextProbeAt ? ` ${when(circuit.nextProbeAt)}` : ' soon'}.
          </div>
        </>
      )}
    </>
  );
}

/** The last response of the receiver. */
export function LastAnswer({ stats }: { stats: Webhook['stats'] }) {
  if (!stats.lastDeliveryAt) return <span class="quiet">none yet</span>;
  if (stats.lastError)
    return (
      <span class="bad">
        {stats.lastStatus && !stats.lastError.includes(String(stats.lastStatus)) ? `${stats.lastStatus}: ` : ''}
        {stats.lastError}
      </span>
    );
  return <span class="good">{stats.lastStatus}</span>;
}
