// The contacts that were sent to the CRM, newest first, read from the funnel's deliveries.
// TrackMate has no other list of contacts: each is a person and an event.

import { answer, type Schema } from '../../../api';
import { usePages } from '../../load';
import { Button } from '../../parts/forms';
import { Empty, Problem, Waiting } from '../../parts/feedback';
import { Card, Code, More, Table, Time } from '../../parts/display';
import { to } from '../../route';
import { FUNNEL_WEBHOOK } from '../webhooks/funnel';
import { State } from '../webhooks/health';
import { curl } from './snippets';

type Delivery = Schema<'Delivery'>;
type Data = Record<string, unknown>;

const object = (value: unknown): Data => (typeof value === 'object' && value ? (value as Data) : {});
const text = (value: unknown) => (typeof value === 'string' && value ? value : undefined);
const dataOf = ({ payload }: Delivery) => object(object(payload).data);

function Person({ delivery }: { delivery: Delivery }) {
  if (!delivery.payload) return <span class="quiet">shown after the first attempt</span>;
  const { email, name } = dataOf(delivery);
  const userId = text(object(object(delivery.payload).metadata).userId);
  const address = text(email) ?? '';
  return (
    <>
      {userId ? <a href={to(['people', userId])}>{address}</a> : address}
      <div class="hint">{text(name)}</div>
    </>
  );
}

function From({ data }: { data: Data }) {
  const utm = object(data.utm);
  const campaign = ['source', 'medium', 'campaign']
    .map((name) => text(utm[name]))
    .filter(Boolean)
    .join(' / ');
  return <>{campaign || (text(object(data.visitor).referrer) ?? <span class="quiet">–</span>)}</>;
}

function page(data: Data) {
  const { projectName, pageId, pageUrl } = object(data.funnel);
  return text(projectName) ?? text(pageId) ?? text(pageUrl) ?? <span class="quiet">–</span>;
}

/** Without a CRM there are no deliveries, so there is nothing to list. */
export function NoCrm({ company }: { company: string }) {
  return (
    <Card title="Recent contacts">
      <Empty title="No CRM is set">
        <p>
          This list shows the deliveries to the CRM: set its URL above. Contacts are stored even without a CRM: each is
          among the <a href={to(['people'])}>people</a>, with <code>registration.submitted</code> on the timeline, and{' '}
          <a href={to(['exports'])}>exports</a> of that event contain them all.
        </p>
        <Code text={curl(location.origin, company)} label="curl line" />
      </Empty>
    </Card>
  );
}

export function Contacts({ company }: { company: string }) {
  const pages = usePages(
    (admin, cursor) =>
      answer(
        admin.GET('/api/admin/webhooks/{id}/deliveries', {
          params: { path: { id: FUNNEL_WEBHOOK }, query: { limit: 25, cursor } },
        }),
      ),
    ({ deliveries }) => deliveries.filter(({ event }) => event === 'registration.submitted'),
    [],
  );
  const { first, items, error, reload } = pages;
  return (
    <Card
      title="Recent contacts"
      actions={
        <Button tone="secondary" onClick={reload}>
          Refresh
        </Button>
      }
    >
      <p class="hint">Contacts for the CRM, for as long as the delivery log is kept.</p>
      <Problem error={error} retry={reload} />
      {!first && !error && <Waiting />}
      {first && items.length === 0 && (
        <Empty title="No contact yet">
          <p>Submit the form below, or run this command:</p>
          <Code text={curl(location.origin, company)} label="curl line" />
        </Empty>
      )}
      {items.length > 0 && (
        <Table
          caption="Recent contacts"
          items={items}
          keyOf={({ id }) => id}
          columns={[
            { name: 'Contact', show: (delivery) => <Person delivery={delivery} /> },
            { name: 'Received', show: ({ createdAt }) => <Time at={createdAt} /> },
            { name: 'Page', show: (delivery) => page(dataOf(delivery)) },
            { name: 'From', show: (delivery) => <From data={dataOf(delivery)} /> },
            {
              name: 'CRM',
              show: ({ status, attempts }) => (
                <>
                  <State status={status} />
                  {attempts.at(-1)?.error && <div class="hint">{attempts.at(-1)?.error}</div>}
                </>
              ),
            },
          ]}
        />
      )}
      <More pages={pages} />
    </Card>
  );
}
