// One webhook: state, deliveries, test, settings, secret, and receiver code.

import { answer } from '../../../api';
import { useLoad } from '../../load';
import { Await } from '../../parts/feedback';
import { Card, Facts, number, Page, Time } from '../../parts/display';
import { Tabs } from '../../parts/tabs';
import { to } from '../../route';
import { Deliveries } from './deliveries';
import { Edit } from './edit';
import { FUNNEL_WEBHOOK } from './funnel';
import { Health, held, LastAnswer } from './health';
import { policyOf } from './policy';
import { Receiver } from './receiver';
import { Secret } from './secret';
import { Switch } from './on-off';
import { Test } from './test';

const PARTS: [id: string, name: string][] = [
  ['deliveries', 'Deliveries'],
  ['test', 'Test'],
  ['edit', 'Edit'],
  ['secret', 'Secret'],
  ['receiver', 'Receiver code'],
];

export function WebhookPage({ id, part }: { id: string; part: string }) {
  const loaded = useLoad(
    async (admin) => {
      const [{ webhook }, { settings }] = await Promise.all([
        answer(admin.GET('/api/admin/webhooks/{id}', { params: { path: { id } } })),
        answer(admin.GET('/api/admin/settings')),
      ]);
      return { webhook, allOn: settings.webhooksEnabled };
    },
    [id],
  );
  const { data, reload } = loaded;
  const webhook = data?.webhook;
  return (
    <Page
      title={webhook?.name ?? 'Webhook'}
      name={`${webhook?.name ?? 'Webhook'} · Webhooks`}
      lead={
        <>
          <a href={to(['webhooks'])}>Webhooks</a> / <code>{id}</code>
        </>
      }
      actions={webhook && <Switch webhook={webhook} done={reload} />}
    >
      <Await of={loaded}>
        {({ webhook, allOn }) => (
          <>
            <Card>
              <Facts
                of={[
                  ['State', <Health webhook={webhook} allOn={allOn} />],
                  ['Delivered', number(webhook.stats.success)],
                  ['Failed', number(webhook.stats.failed)],
                  ['Held', held(webhook.stats.held)],
                  ['Last response', <LastAnswer stats={webhook.stats} />],
                  ['Last delivery', <Time at={webhook.stats.lastDeliveryAt} />],
                ]}
              />
              <p class="about">
                <strong>To</strong> <code>{webhook.url}</code>
              </p>
              <p class="about">
                <strong>Events</strong>{' '}
                {webhook.events.map((one) => (
                  <code key={one}>{one} </code>
                ))}
              </p>
              <p class="about">
                <strong>Attempts</strong> {policyOf(webhook)}
                {webhook.rateLimit && ` At most ${webhook.rateLimit} per second.`}
              </p>
              {webhook.description && <p class="about">{webhook.description}</p>}
              {id === FUNNEL_WEBHOOK && (
                <p class="hint">
                  This is the CRM's webhook. Its URL and secret are on the page <a href={to(['funnel'])}>Funnel</a>.
                </p>
              )}
            </Card>
            <Tabs label="Parts of the webhook" tabs={PARTS} current={part} at={(one) => ['webhooks', id, one]} />
            {!PARTS.some(([one]) => one === part) && (
              <p class="problem">
                There is no such page. <a href={to(['webhooks', id])}>Go to the deliveries</a>
              </p>
            )}
            {part === 'deliveries' && <Deliveries id={id} changed={reload} />}
            {part === 'test' && (
              <Card title="Test">
                <Test id={id} done={reload} />
              </Card>
            )}
            {part === 'edit' && <Edit webhook={webhook} done={reload} />}
            {part === 'secret' && <Secret webhook={webhook} />}
            {part === 'receiver' && (
              <Card title="Receiver code">
                <Receiver webhook={webhook} />
              </Card>
            )}
          </>
        )}
      </Await>
    </Page>
  );
}
