// How a webhook is doing, in marks.

import type { Schema } from '../../../api';
import { Badge, type Tone } from '../../parts/feedback';
import { number, when } from '../../parts/display';

type Webhook = Schema<'Webhook'>;
export type Status = Schema<'Delivery'>['status'];

/** Up to so many held deliveries are counted. */
const HELD_COUNTED = 10_000;
export const held = (count: number) => (count < HELD_COUNTED ? number(count) : `${number(HELD_COUNTED)} or more`);

export const STATUSES: [status: Status, name: string, tone: Tone][] = [
  ['pending', 'pending', 'accent'],
  ['held', 'held', 'warn'],
  ['delivered', 'delivered', 'good'],
  ['failed_permanent', 'refused', 'bad'],
  ['exhausted', 'exhausted', 'bad'],
  ['dismissed', 'dismissed', 'quiet'],
];

export function State({ status }: { status: Status }) {
  const [, name, tone] = STATUSES.find(([one]) => one === status) ?? [status, status, 'quiet' as Tone];
  return <Badge tone={tone}>{name}</Badge>;
}

/** On, off, or waiting for its receiver; the reason follows where TrackMate has one. */
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
      {allOn ? <Badge tone="good">on</Badge> : <Badge tone="warn">all are off</Badge>}{' '}
      {circuit.state === 'open' && (
        <>
          <Badge tone="bad">not answering</Badge>
          <div class="hint">Deliveries wait. Next try{circuit.nextProbeAt ? ` ${when(circuit.nextProbeAt)}` : ' soon'}.</div>
        </>
      )}
    </>
  );
}

/** The receiver's last answer. */
export function LastAnswer({ stats }: { stats: Webhook['stats'] }) {
  if (!stats.lastDeliveryAt) return <span class="quiet">none yet</span>;
  if (stats.lastError) return <span class="bad">{stats.lastStatus && !stats.lastError.includes(String(stats.lastStatus)) ? `${stats.lastStatus}: ` : ''}{stats.lastError}</span>;
  return <span class="good">{stats.lastStatus}</span>;
}
