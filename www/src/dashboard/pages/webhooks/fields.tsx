// The fields of a webhook, for a new one and for one that is changed.

import { Area, Select, Text } from '../../parts/forms';
import type { Draft } from './draft';
import { Events } from './events';
import { Headers } from './headers';
import { PRESETS, type Preset, describePolicy } from './policy';

const CHOICES: [value: string, name: string][] = [...Object.entries(PRESETS).map(([id, { name }]): [string, string] => [id, name]), ['custom', 'Values of your own']];

export function Fields({ draft, set, funnel = false }: { draft: Draft; set: (change: Partial<Draft>) => void; funnel?: boolean }) {
  const { preset, attempts, delay, timeoutMs } = draft;
  const choose = (value: string) => {
    if (value === 'custom') return set({ preset: 'custom' });
    const { attempts, delay, timeoutMs } = PRESETS[value as Preset];
    set({ preset: value as Preset, attempts: String(attempts), delay: String(delay), timeoutMs: String(timeoutMs) });
  };
  return (
    <>
      <div class="columns">
        <Text label="Name" required maxLength={200} value={draft.name} set={(name) => set({ name })} placeholder="CRM" />
        <Text label="URL" type="url" required value={draft.url} set={(url) => set({ url })} placeholder="https://crm.example/hooks/trackmate" hint={funnel ? 'Also on the page Funnel.' : 'https, at a public address. Redirects are not followed.'} />
      </div>
      <Area label="Description" class="short" maxLength={1000} value={draft.description} set={(description) => set({ description })} />
      <Events chosen={draft.events} set={(events) => set({ events })} />
      <Headers headers={draft.headers} set={(headers) => set({ headers })} />
      <fieldset>
        <legend>Attempts</legend>
        <Select
          label="Retry policy"
          value={preset}
          set={choose}
          options={CHOICES}
          hint={preset === 'custom' ? describePolicy({ attempts: Number(attempts), delay: Number(delay), timeoutMs: Number(timeoutMs) }) : PRESETS[preset].summary}
        />
        {preset === 'custom' && (
          <div class="columns">
            <Text label="Attempts" type="number" required min={1} max={50} value={attempts} set={(attempts) => set({ attempts })} />
            <Text label="Seconds until the second" type="number" required min={1} max={86_400} value={delay} set={(delay) => set({ delay })} hint="Doubled after each." />
            <Text label="Milliseconds to answer" type="number" required min={100} max={30_000} value={timeoutMs} set={(timeoutMs) => set({ timeoutMs })} />
          </div>
        )}
        <div class="columns">
          <Text label="Deliveries a second at most" type="number" min={1} max={100} value={draft.rateLimit} set={(rateLimit) => set({ rateLimit })} hint="Empty for no limit. What is more waits its turn." />
          <Text label="Switch off after failures in a row" type="number" required min={0} max={10_000} value={draft.disableAfterFailures} set={(disableAfterFailures) => set({ disableAfterFailures })} hint="0 for never." />
          <Text label="… over at least so many hours" type="number" required min={0} max={720} value={draft.disableAfterHours} set={(disableAfterHours) => set({ disableAfterHours })} />
        </div>
      </fieldset>
    </>
  );
}
