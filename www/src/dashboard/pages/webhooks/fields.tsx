// The form fields of a webhook, for creating and editing.

import { Area, Select, Text } from '../../parts/forms';
import type { Draft } from './draft';
import { Events } from './events';
import { Headers } from './headers';
import { PRESETS, type Preset, describePolicy } from './policy';

const CHOICES: [value: string, name: string][] = [
  ...Object.entries(PRESETS).map(([id, { name }]): [string, string] => [id, name]),
  ['custom', 'Custom'],
];

export function Fields({
  draft,
  set,
  funnel = false,
}: {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  funnel?: boolean;
}) {
  const { preset, attempts, delay, timeoutMs } = draft;
  const choose = (value: string) => {
    if (value === 'custom') return set({ preset: 'custom' });
    const { attempts, delay, timeoutMs } = PRESETS[value as Preset];
    set({ preset: value as Preset, attempts: String(attempts), delay: String(delay), timeoutMs: String(timeoutMs) });
  };
  return (
    <>
      <div class="columns">
        <Text
          label="Name"
          required
          maxLength={200}
          value={draft.name}
          set={(name) => set({ name })}
          placeholder="CRM"
        />
        <Text
          label="URL"
          type="url"
          required
          value={draft.url}
          set={(url) => set({ url })}
          placeholder="https://crm.example/hooks/trackmate"
          hint={
            funnel
              ? 'Can also be changed on the page Funnel.'
              : 'https, with a public address. Redirects are not followed.'
          }
        />
      </div>
      <Area
        label="Description"
        class="short"
        maxLength={1000}
        value={draft.description}
        set={(description) => set({ description })}
      />
      <Events chosen={draft.events} set={(events) => set({ events })} />
      <Headers headers={draft.headers} set={(headers) => set({ headers })} />
      <fieldset>
        <legend>Attempts</legend>
        <Select
          label="Retry policy"
          value={preset}
          set={choose}
          options={CHOICES}
          hint={
            preset === 'custom'
              ? describePolicy({ attempts: Number(attempts), delay: Number(delay), timeoutMs: Number(timeoutMs) })
              : PRESETS[preset].summary
          }
        />
        {preset === 'custom' && (
          <div class="columns">
            <Text
              label="Attempts"
              type="number"
              required
              min={1}
              max={50}
              value={attempts}
              set={(attempts) => set({ attempts })}
            />
            <Text
              label="Seconds before the second attempt"
              type="number"
              required
              min={1}
              max={86_400}
              value={delay}
              set={(delay) => set({ delay })}
              hint="Doubles after each attempt."
            />
            <Text
              label="Timeout (ms)"
              type="number"
              required
              min={100}
              max={30_000}
              value={timeoutMs}
              set={(timeoutMs) => set({ timeoutMs })}
            />
          </div>
        )}
        <div class="columns">
          <Text
            label="Maximum deliveries per second"
            type="number"
            min={1}
            max={100}
            value={draft.rateLimit}
            set={(rateLimit) => set({ rateLimit })}
            hint="Leave empty for no limit. More deliveries wait."
          />
          <Text
            label="Switch off after failures in a row"
            type="number"
            required
            min={0}
            max={10_000}
            value={draft.disableAfterFailures}
            set={(disableAfterFailures) => set({ disableAfterFailures })}
            hint="0 for never."
          />
          <Text
            label="… over at least this many hours"
            type="number"
            required
            min={0}
            max={720}
            value={draft.disableAfterHours}
            set={(disableAfterHours) => set({ disableAfterHours })}
          />
        </div>
      </fieldset>
    </>
  );
}
