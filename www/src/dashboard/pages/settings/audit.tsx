// The audit log: who changed, exported or erased what, and with what outcome.

import { answer, type Schema } from '../../../api';
import { usePages } from '../../load';
import { Select, Text } from '../../parts/forms';
import { Badge, Empty, Problem, Waiting } from '../../parts/feedback';
import { Card, More, Table, Time } from '../../parts/display';
import { setQuery, route, to } from '../../route';

type Entry = Schema<'AuditEntry'>;
type Action = Entry['action'];

/** All actions in words. The type makes a missing one an error. */
const ACTIONS: Record<Action, string> = {
  'cell.state': 'state of a database set',
  'company.create': 'company created',
  'company.move': 'company moved to another database',
  'company.move_aborted': 'move to another database aborted',
  'company.restore': 'company restored from a backup',
  'export.events': 'events exported',
  'export.user': 'data of a person exported',
  'export.users': 'people exported',
  'group.delete': 'group deleted',
  'group.update': 'group changed',
  'identity.undo': 'link or merge undone',
  'key.create': 'key created',
  'key.revoke': 'key revoked',
  'plan.update': 'tracking plan changed',
  'settings.update': 'settings changed',
  'tombstone.lift': 'erased address allowed again',
  'user.erase': 'person erased',
  'user.fields': 'custom fields changed',
  'user.merge': 'people merged',
  'user.tag': 'tags added',
  'user.untag': 'tags removed',
  'user.update': 'person changed',
  'webhook.create': 'webhook created',
  'webhook.delete': 'webhook deleted',
  'webhook.recover': 'deliveries recovered',
  'webhook.resend': 'delivery resent',
  'webhook.rotate': 'secret replaced',
  'webhook.test': 'webhook tested',
  'webhook.update': 'webhook changed',
};

function Target({ action, targetId }: Entry) {
  if (!targetId) return <span class="quiet">–</span>;
  const [of] = action.split('.');
  const page = of === 'webhook' ? 'webhooks' : of === 'user' || action === 'export.user' ? 'people' : undefined;
  return page ? (
    <a href={to([page, targetId])}>
      <code>{targetId}</code>
    </a>
  ) : (
    <code>{targetId}</code>
  );
}

/** The begin of a day in the viewer's zone, and of the next day. */
const begin = (day: string) => (day ? new Date(`${day}T00:00`).toISOString() : undefined);
const end = (day: string) => (day ? new Date(new Date(`${day}T00:00`).setHours(24)).toISOString() : undefined);

export function Audit() {
  const { query } = route.value;
  const action = (query.get('action') ?? '') as Action | '';
  const [from, until] = [query.get('from') ?? '', query.get('until') ?? ''];
  const pages = usePages(
    (admin, cursor) =>
      answer(
        admin.GET('/api/admin/audit', {
          params: { query: { limit: 50, cursor, action: action || undefined, since: begin(from), until: end(until) } },
        }),
      ),
    ({ entries }) => entries,
    [action, from, until],
  );
  const { first, items, error, reload } = pages;
  return (
    <Card title="Audit log">
      <p class="hint">
        All changes by admin keys and the operator, and all exports. Entries hold ids and names only, and are kept for
        400 days.
      </p>
      <div class="filters">
        <Select
          label="Action"
          value={action}
          set={(action) => setQuery({ action })}
          options={[['', 'all'], ...Object.entries(ACTIONS)]}
        />
        <Text label="From" type="date" value={from} set={(from) => setQuery({ from })} />
        <Text label="Until (inclusive)" type="date" value={until} set={(until) => setQuery({ until })} />
      </div>
      <Problem error={error} retry={reload} />
      {!first && !error && <Waiting />}
      {first && items.length === 0 && (
        <Empty title="No entries">
          <p>
            {action || from || until ? 'No entry matches these filters.' : 'Every change from now on is logged here.'}
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          caption="Audit log"
          items={items}
          keyOf={({ id }) => id}
          columns={[
            { name: 'When', show: ({ at }) => <Time at={at} /> },
            {
              name: 'Action',
              show: ({ action }) => (
                <>
                  {ACTIONS[action] ?? action}
                  <div class="hint">
                    <code>{action}</code>
                  </div>
                </>
              ),
            },
            { name: 'Target', show: (entry) => <Target {...entry} /> },
            { name: 'By', show: ({ actor, key }) => (key ? <code title={key.id}>{key.prefix}…</code> : actor) },
            {
              name: 'Outcome',
              show: ({ outcome }) => <Badge tone={outcome === 'ok' ? 'good' : 'bad'}>{outcome}</Badge>,
            },
            { name: 'Request', show: ({ requestId }) => <code>{requestId}</code> },
          ]}
        />
      )}
      <More pages={pages} />
    </Card>
  );
}
