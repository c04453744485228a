// A person's records (bookings, orders and the like), which the company's servers sent, by kind.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { usePages } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Select } from '../../parts/forms';
import { Empty, Problem, Waiting } from '../../parts/feedback';
import { Card, Code, Json, More, plural, Table, Time } from '../../parts/display';
import { setQuery, route } from '../../route';
import { summarize } from './summary';

type Entry = Schema<'Record'>;

const PAGE = 20;
const KINDS = ['booking', 'qr', 'conversation', 'message', 'comment', 'story'];
const ISO = /^\d{4}-\d\d-\d\dT/;

/** The counts that are not zero, in words. */
const counted = ({ stats, interactions }: Schema<'UserWith'>) =>
  [
    [stats.bookingsCount, 'booking'] as const,
    [stats.qrScansCount, 'QR scan'] as const,
    [stats.conversationsCount, 'conversation'] as const,
    [interactions.messagesCount, 'message'] as const,
    [interactions.commentsCount, 'comment'] as const,
    [interactions.storiesCount, 'story', 'stories'] as const,
  ]
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => plural(count, one, many))
    .join(', ');

/** A time, or the company's own value in its place. */
const cell = (value: unknown) =>
  typeof value === 'string' && ISO.test(value) ? (
    <Time at={value} />
  ) : value === null || value === undefined ? (
    ''
  ) : (
    String(value)
  );

/** A new `version` reloads the records, for example after a merge was undone. */
export function Records({ user, version }: { user: Schema<'UserWith'>; version: number }) {
  const [opened, setOpened] = useState<Entry>();
  const [seen, setSeen] = useState(KINDS);
  const kind = route.value.query.get('kind') || undefined;
  const pages = usePages(
    async (admin, cursor): Promise<Schema<'RecordPage'>> => {
      const page = await answer(
        admin.GET('/api/admin/users/{id}/records', {
          params: { path: { id: user.id }, query: { kind, cursor, limit: PAGE } },
        }),
      );
      setSeen((seen) => [...new Set([...seen, ...page.records.map((record) => record.kind), ...(kind ? [kind] : [])])]);
      return page;
    },
    ({ records }) => records,
    [kind, version],
  );
  const curl = `curl ${location.origin}/api/webhooks/events \\
  -H 'X-TrackMate-API-Key: tm_live_…' -H 'Content-Type: application/json' \\
  -d '{"identifier":{"userId":"${user.id}"},"eventType":"booking.created","eventData":{"booking":{"id":"b-1","guests":2}}}'`;
  return (
    <Card
      title="Records"
      actions={
        <Select
          label={<span class="visually-hidden">Kind</span>}
          value={kind ?? ''}
          set={(kind) => setQuery({ kind })}
          options={[['', 'All kinds'], ...seen.map((kind): [string, string] => [kind, kind])]}
        />
      }
    >
      <Problem error={pages.error} retry={pages.reload} />
      <p class="quiet">{counted(user)}</p>
      {pages.first && pages.items.length > 0 && (
        <div class={pages.busy ? 'stale' : ''} aria-busy={pages.busy}>
          <Table
            caption="Records"
            items={pages.items}
            keyOf={(record) => `${record.kind}:${record.id}`}
            columns={[
              { name: 'Kind', show: (record) => record.kind },
              {
                name: 'Id',
                show: (record) => (
                  <button type="button" class="link" onClick={() => setOpened(record)}>
                    {record.id}
                  </button>
                ),
              },
              { name: 'Status', show: (record) => cell(record.status) },
              { name: 'Data', show: (record) => summarize(record, ['id', 'kind', 'status', 'createdAt', 'updatedAt']) },
              { name: 'Created', show: (record) => cell(record.createdAt) },
              { name: 'Changed', show: (record) => cell(record.updatedAt) },
            ]}
          />
        </div>
      )}
      {pages.first && pages.items.length === 0 && (
        <Empty title={kind ? `No records of kind ${kind}` : 'No records yet'}>
          <p>A booking, QR code, conversation or other record appears here when your server sends an event about it:</p>
          <Code text={curl} label="the request" />
        </Empty>
      )}
      {!pages.first && !pages.error && <Waiting />}
      <More pages={pages} />
      {opened && (
        <Dialog title={`${opened.kind} ${opened.id}`} close={() => setOpened(undefined)}>
          <Json value={opened} />
        </Dialog>
      )}
    </Card>
  );
}
