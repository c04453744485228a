// The company's name, whose pages may send, what counts as revenue, and how long things are kept.

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
        <Text label="Company name" required maxLength={200} value={name} set={setName} hint={<>The id <code>{settings.company_id}</code> stays as it is.</>} />
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
        <p class="hint">Whose pages may send events. The company's id stands in every page, so anybody can send in its name; this keeps other people's pages from doing so in a browser.</p>
        <Check label="Pages of every origin" value={every} set={setEvery} />
        {!every && <Area label="Origins, one a line" value={origins} set={setOrigins} spellcheck={false} placeholder="https://shop.example" hint="Scheme, host and port, without a path. With an empty list, no page may send." />}
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
        <Area label="Events that count as revenue, one a line" value={events} set={setEvents} spellcheck={false} hint={<>Their <code>amount</code> is added up by <code>currency</code>. A name added counts from now on, one taken off stops at once. Pages can send events too: name one that only your servers send if it must be true.</>} />
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
      <Form task={task} act="Save the retention" submit={() => save({ eventRetentionDays: forever ? null : Number(events), logRetentionDays: Number(logs) })}>
        <Check label="Keep events for ever" value={forever} set={setForever} />
        {!forever && <Text label="Days that events are kept" type="number" required min={1} max={3650} value={events} set={setEvents} hint="From when an event came in. Totals shrink with them; people, tags and consent stay." />}
        {shorter && <p class="notice">Events older than that are deleted within minutes to hours of saving, and cannot be brought back.</p>}
        <Text label="Days that finished deliveries are kept" type="number" required min={1} max={365} value={logs} set={setLogs} hint="With their attempts, requests and answers." />
      </Form>
    </Card>
  );
}

export function Company(of: SettingsCardProps) {
  return <div class="masonry"><Name {...of} /><Origins {...of} /><Revenue {...of} /><Retention {...of} /></div>;
}
