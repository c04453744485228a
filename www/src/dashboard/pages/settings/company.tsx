// The company's name, allowed origins, revenue events, and retention.

import { useState } from 'preact/hooks';
import { Area, Check, Form, Text } from '../../parts/forms';
import { Card } from '../../parts/display';
import { renamed } from '../../session';
import { lines, type SettingsCardProps, useSave } from './save';

function Name({ settings, saved }: SettingsCardProps) {
  const [name, setName] = useState(settings.name);
  const { task, save } = useSave(saved);
  const submit = async () => {
    const now = await save({ name });
    if (now) renamed(now.name);
  };
  return (
    <Card title="Name">
      <Form task={task} act="Save the name" submit={submit}>
        <Text
          label="Company name"
          required
          maxLength={200}
          value={name}
          set={setName}
          hint={
            <>
              The id <code>{settings.company_id}</code> does not change.
            </>
          }
        />
      </Form>
    </Card>
  );
}

function Origins({ settings, saved }: SettingsCardProps) {
  const [every, setEvery] = useState(settings.allowedOrigins === null);
  const [origins, setOrigins] = useState((settings.allowedOrigins ?? []).join('\n'));
  const { task, save } = useSave(saved);
  return (
    <Card title="Allowed origins">
      <Form task={task} act="Save the origins" submit={() => save({ allowedOrigins: every ? null : lines(origins) })}>
        <p class="hint">
          Pages of these origins may send events. The company's id is public, so anybody can send events for it; this
          setting stops other sites from doing so in a browser.
        </p>
        <Check label="Allow all origins" value={every} set={setEvery} />
        {!every && (
          <Area
            label="Origins, one per line"
            value={origins}
            set={setOrigins}
            spellcheck={false}
            placeholder="https://shop.example"
            hint="Scheme, host and port, without a path. With an empty list, no page may send events."
          />
        )}
      </Form>
    </Card>
  );
}

function Revenue({ settings, saved }: SettingsCardProps) {
  const [events, setEvents] = useState(settings.revenueEvents.join('\n'));
  const { task, save } = useSave(saved);
  return (
    <Card title="Revenue">
      <Form task={task} act="Save the revenue events" submit={() => save({ revenueEvents: lines(events) })}>
        <Area
          label="Events that count as revenue, one per line"
          value={events}
          set={setEvents}
          spellcheck={false}
          hint={
            <>
              TrackMate adds up their <code>amount</code> per <code>currency</code>. Changes apply to new events. Pages
              can send events too, so for reliable figures choose an event that only your servers send.
            </>
          }
        />
      </Form>
    </Card>
  );
}

function Retention({ settings, saved }: SettingsCardProps) {
  const [forever, setForever] = useState(settings.eventRetentionDays === null);
  const [events, setEvents] = useState(String(settings.eventRetentionDays ?? 365));
  const [logs, setLogs] = useState(String(settings.logRetentionDays));
  const { task, save } = useSave(saved);
  const shorter = !forever && (settings.eventRetentionDays === null || Number(events) < settings.eventRetentionDays);
  return (
    <Card title="Retention">
      <Form
        task={task}
        act="Save the retention"
        submit={() => save({ eventRetentionDays: forever ? null : Number(events), logRetentionDays: Number(logs) })}
      >
        <Check label="Keep events forever" value={forever} set={setForever} />
        {!forever && (
          <Text
            label="Days that events are kept"
            type="number"
            required
            min={1}
            max={3650}
            value={events}
            set={setEvents}
            hint="Counted from the time an event was received. Totals shrink when events are deleted; people, tags and consent stay."
          />
        )}
        {shorter && (
          <p class="notice">Older events are deleted within minutes to hours after saving. They cannot be restored.</p>
        )}
        <Text
          label="Days that finished deliveries are kept"
          type="number"
          required
          min={1}
          max={365}
          value={logs}
          set={setLogs}
          hint="With their attempts, requests and responses."
        />
      </Form>
    </Card>
  );
}

export function Company(of: SettingsCardProps) {
  return (
    <div class="masonry">
      <Name {...of} />
      <Origins {...of} />
      <Revenue {...of} />
      <Retention {...of} />
    </div>
  );
}
