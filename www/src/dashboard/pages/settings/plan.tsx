// The tracking plan: its events and their schemas, what happens to violations, and their counts.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask, useLoad } from '../../load';
import { Area, Button, Check, Form, Select, Text } from '../../parts/forms';
import { Await, Badge, Empty, Problem, notify } from '../../parts/feedback';
import { Card, number, plural, Table, Time } from '../../parts/display';
import { type Events, events as parsed, fieldsOf, formatted } from './plan-form';
import { PlanCheck } from './plan-check';

type Plan = Schema<'CurrentPlan'>;
type Count = Schema<'ViolationCount'>;

const MODES: [mode: Plan['mode'], name: string, means: string][] = [
  ['off', 'Off', 'Events are not checked.'],
  ['report', 'Report', 'Violations are stored and counted below. Use this to find out what you really send.'],
  ['reject', 'Reject', 'Violations are rejected with plan_violation and not stored. Other events are stored.'],
];
const REASONS: Record<Count['reason'], string> = {
  unknown_event: 'not in the plan',
  missing_field: 'field missing',
  wrong_type: 'wrong type',
  unknown_field: 'field not in the plan',
};

/** `children` are shown between the plan and the check. */
function Edit({ plan, saved, children }: { plan: Plan; saved: () => void; children: ComponentChildren }) {
  const [mode, setMode] = useState(plan.mode);
  const [additional, setAdditional] = useState(plan.additionalEvents);
  const [text, setText] = useState(formatted(plan.events));
  const [name, setName] = useState('');
  const [sampled, setSampled] = useState<number>();
  const task = useTask();
  const inferring = useTask();
  const { events, problem } = parsed(text);
  const change = (events: Events) => setText(formatted(events));
  const add = () => {
    if (name.trim()) change({ ...events, [name.trim()]: events[name.trim()] ?? {} });
    setName('');
  };
  const infer = () =>
    inferring.run(async (admin) => {
      const { plan, sampled } = await answer(admin.POST('/api/admin/plan/infer'));
      change(plan.events);
      setAdditional(plan.additionalEvents);
      setSampled(sampled);
    });
  const save = async () => {
    // A changed plan resets the counts of violations. A changed mode alone does not, so send the
    // plan only if it changed.
    const isChanged = formatted(events) !== formatted(plan.events) || additional !== plan.additionalEvents;
    const body: Schema<'PlanChange'> = { mode, ...(isChanged && { events, additionalEvents: additional }) };
    if (!(await task.run(async (admin) => change((await answer(admin.PUT('/api/admin/plan', { body }))).plan.events))))
      return;
    notify('Saved.');
    setSampled(undefined);
    saved();
  };
  return (
    <>
      <Card title="Tracking plan" actions={<Badge tone={plan.mode === 'off' ? 'quiet' : 'good'}>{plan.mode}</Badge>}>
        <Form
          task={task}
          act="Save the plan"
          submit={() => problem || save()}
          actions={
            <Button tone="secondary" task={inferring} onClick={infer}>
              Infer from stored events
            </Button>
          }
        >
          <Select
            label="Violations"
            value={mode}
            set={(mode) => setMode(mode as Plan['mode'])}
            options={MODES.map(([mode, name]) => [mode, name])}
            hint={MODES.find(([one]) => one === mode)?.[2]}
          />
          <Check label="Allow events with other names" value={additional} set={setAdditional} />
          {Object.keys(events).length === 0 ? (
            <p class="hint">
              The plan has no events yet. Infer it from stored events, review it, use Report for a week, then Reject.
            </p>
          ) : (
            <div class="field full">
              <Table
                caption="Events of the plan"
                items={Object.entries(events)}
                keyOf={([name]) => name}
                columns={[
                  { name: 'Event', show: ([name]) => <code>{name}</code> },
                  { name: 'Fields', show: ([, form]) => fieldsOf(form) || <span class="quiet">any</span> },
                  {
                    name: 'Remove',
                    show: ([name]) => (
                      <Button
                        tone="small secondary"
                        label={`Remove ${name}`}
                        onClick={() =>
                          change(Object.fromEntries(Object.entries(events).filter(([one]) => one !== name)))
                        }
                      >
                        Remove
                      </Button>
                    ),
                  },
                ]}
              />
            </div>
          )}
          <div class="row">
            <Text
              label="Another event"
              value={name}
              set={setName}
              placeholder="invoice_paid"
              onKeyDown={(key) => {
                if (key.key === 'Enter') {
                  key.preventDefault();
                  add();
                }
              }}
            />
            <Button tone="secondary" onClick={add}>
              Add
            </Button>
          </div>
          <details class="whole">
            <summary>As JSON, with the schema of each event's data</summary>
            <Area
              label="Events by name"
              value={text}
              set={setText}
              spellcheck={false}
              hint={
                <>
                  A subset of JSON Schema, described in <a href="/docs/api/#tracking-plans">the docs</a>.
                </>
              }
            />
          </details>
          {problem && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
          {sampled !== undefined && (
            <p class="notice" role="status">
              This plan matches {plural(sampled, 'stored event')}. It is not saved yet.
            </p>
          )}
        </Form>
        <Problem error={inferring.error} />
      </Card>
      {children}
      <PlanCheck events={events} additionalEvents={additional} />
    </>
  );
}

function Violations({ of, mode, reload }: { of: Count[]; mode: Plan['mode']; reload: () => void }) {
  return (
    <Card
      title="Violations"
      actions={
        <Button tone="small secondary" onClick={reload}>
          Refresh
        </Button>
      }
    >
      {of.length === 0 ? (
        <Empty title="No violations">
          <p>
            {mode === 'off'
              ? 'Events are not checked while the plan is off.'
              : 'New violations are counted here within seconds, by event, field and reason.'}
          </p>
        </Empty>
      ) : (
        <Table
          caption="Violations since the plan was set"
          items={of}
          keyOf={({ event, field, reason }) => `${event} ${field} ${reason}`}
          columns={[
            { name: 'Event', show: ({ event }) => <code>{event}</code> },
            { name: 'Field', show: ({ field }) => <code>{field}</code> },
            { name: 'Reason', show: ({ reason }) => <Badge tone="warn">{REASONS[reason]}</Badge> },
            { name: 'Count', number: true, show: ({ count }) => number(count) },
            { name: 'First', show: ({ firstAt }) => <Time at={firstAt} /> },
            { name: 'Last', show: ({ lastAt }) => <Time at={lastAt} /> },
          ]}
        />
      )}
    </Card>
  );
}

export function TrackingPlan() {
  const loaded = useLoad((admin, signal) => answer(admin.GET('/api/admin/plan', { signal })), []);
  return (
    <Await of={loaded}>
      {({ plan, violations }) => (
        <Edit plan={plan} saved={loaded.reload}>
          <Violations of={violations} mode={plan.mode} reload={loaded.reload} />
        </Edit>
      )}
    </Await>
  );
}
