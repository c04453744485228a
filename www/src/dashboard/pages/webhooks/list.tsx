// The list of the company's webhooks and their state.

import { answer } from '../../../api';
import { useLoad } from '../../load';
import { Await, Empty } from '../../parts/feedback';
import { Code, number, Page, plural, Table, Time } from '../../parts/display';
import { to } from '../../route';
import { Health, held, LastAnswer } from './health';
import { Switch, SwitchAll } from './on-off';

const EXAMPLE = `curl -X POST ${location.origin}/api/admin/webhooks \\
  -H "X-Admin-ID: $TRACKMATE_ADMIN_KEY" -H 'Content-Type: application/json' \\
  -d '{"name":"CRM","url":"https://crm.example/hook","events":["user.*","payment_processed"]}'`;

export function List() {
  const loaded = useLoad(async (admin) => {
    const [{ webhooks }, { settings }] = await Promise.all([
      answer(admin.GET('/api/admin/webhooks')),
      answer(admin.GET('/api/admin/settings')),
    ]);
    return { webhooks, allOn: settings.webhooksEnabled };
  }, []);
  const { data, reload } = loaded;
  const actions = (
    <>
      {data && (data.webhooks.length > 0 || !data.allOn) && (
        <SwitchAll on={data.allOn} webhooks={data.webhooks} done={reload} />
      )}
      <a class="button" href={to(['webhooks', 'new'])}>
        Add a webhook
      </a>
    </>
  );
  return (
    <Page title="Webhooks" lead="The receivers of your events, and their deliveries." actions={actions}>
      <Await of={loaded}>
        {({ webhooks, allOn }) => (
          <>
            {!allOn && <div class="notice">All webhooks are off. Deliveries are held until you switch them on.</div>}
            {webhooks.length === 0 ? (
              <section class="card">
                <Empty title="No webhooks yet">
                  <p>
                    A webhook sends the events that you choose to your URL, signed. Failed deliveries are retried.{' '}
                    <a href={to(['webhooks', 'new'])}>Add the first webhook</a>, or use the API:
                  </p>
                  <Code text={EXAMPLE} label="curl line" />
                </Empty>
              </section>
            ) : (
              <section class="card">
                <Table
                  caption={`${plural(webhooks.length, 'webhook')}`}
                  items={webhooks}
                  keyOf={({ id }) => id}
                  columns={[
                    {
                      name: 'Webhook',
                      show: ({ id, name, url }) => (
                        <>
                          <a href={to(['webhooks', id])}>{name}</a>
                          <div class="hint address">{url}</div>
                        </>
                      ),
                    },
                    { name: 'State', show: (webhook) => <Health webhook={webhook} allOn={allOn} /> },
                    {
                      name: 'Events',
                      show: ({ events }) => (
                        <span class="quiet patterns-short">
                          {events.slice(0, 3).map((one) => (
                            <span key={one} class="line" title={one}>
                              {one}
                            </span>
                          ))}
                          {events.length > 3 && <span>and {number(events.length - 3)} more</span>}
                        </span>
                      ),
                    },
                    { name: 'Delivered', number: true, show: ({ stats }) => number(stats.success) },
                    {
                      name: 'Failed',
                      number: true,
                      show: ({ stats }) => <span class={stats.failed ? 'bad' : ''}>{number(stats.failed)}</span>,
                    },
                    { name: 'Held', number: true, show: ({ stats }) => held(stats.held) },
                    {
                      name: 'Last response',
                      show: ({ stats }) => (
                        <>
                          <LastAnswer stats={stats} />
                          {stats.lastDeliveryAt && (
                            <div class="hint">
                              <Time at={stats.lastDeliveryAt} />
                            </div>
                          )}
                        </>
                      ),
                    },
                    { name: 'Switch', show: (webhook) => <Switch small webhook={webhook} done={reload} /> },
                  ]}
                />
              </section>
            )}
          </>
        )}
      </Await>
    </Page>
  );
}
