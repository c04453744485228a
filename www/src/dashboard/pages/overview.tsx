// Overview: events, people and deliveries in a range of time.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { answer, type Schema } from '../../api';
import { useLoad } from '../load';
import { Chart } from '../parts/chart';
import type { Line } from '../parts/chart-canvas';
import { Await, Badge, Empty, type Tone } from '../parts/feedback';
import { Card, duration, Facts, number, Page, percent, Table } from '../parts/display';
import { route, to } from '../route';
import { Range, spanOf } from './overview/range';
import './overview.css';

type Stats = Schema<'StatsAnswer'>;
type FailingWebhook = Stats['webhooks'][number];

/** While the page is visible, it reloads after this. */
const RELOAD_MS = 60_000;

export default function Overview() {
  const { query } = route.value;
  const [version, setVersion] = useState(0);
  const range = ['range', 'from', 'to', 'interval'].map((name) => query.get(name) ?? '');
  const stats = useLoad(
    (admin, signal) => answer(admin.GET('/api/admin/stats', { params: { query: spanOf(query) }, signal })),
    [...range, version],
  );
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setVersion((version) => version + 1), RELOAD_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Page title="Overview">
      <Range query={query} />
      <Await of={stats}>{(stats) => <Figures stats={stats} />}</Await>
    </Page>
  );
}

const Count = ({ of }: { of: number }) => <data value={of}>{number(of)}</data>;

function Figures({ stats }: { stats: Stats }) {
  const { totals, series, topEvents, latencyMs, successRate, webhooks, interval } = stats;
  const { times, events, people, deliveries } = useMemo(() => {
    const line = (name: string, tone: Line['tone'], field: 'events' | 'newPeople' | 'delivered' | 'failed'): Line => ({
      name,
      tone,
      values: series.map((span) => span[field]),
    });
    return {
      times: series.map(({ at }) => at),
      events: [line('Events', 'accent', 'events')],
      people: [line('New people', 'good', 'newPeople')],
      deliveries: [line('Failed', 'bad', 'failed'), line('Delivered', 'good', 'delivered')],
    };
  }, [series]);
  if (totals.events === 0 && totals.people === 0) {
    return (
      <Card>
        <Empty title="No events in this range">
          <p>
            This page counts the events of your pages and servers, and their deliveries. <a href={to(['live'])}>Live</a>{' '}
            explains how to send the first event, and shows it as it arrives.
          </p>
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Card title="Events">
        <Facts
          of={[
            ['Events', <Count of={totals.events} />],
            ['From browsers', <Count of={totals.browserEvents} />],
            ['From servers', <Count of={totals.serverEvents} />],
            ['Browser sessions', <Count of={totals.sessions} />],
          ]}
        />
        <Chart name="Events" times={times} lines={events} step={interval} />
      </Card>
      <div class="grid">
        <Card title="People">
          <Facts
            of={[
              ['Active', <Count of={totals.activePeople} />],
              ['New', <Count of={totals.newPeople} />],
              [
                'Total',
                <a href={to(['people'])}>
                  <Count of={totals.people} />
                </a>,
              ],
            ]}
          />
          <Chart name="New people" times={times} lines={people} step={interval} />
        </Card>
        <Card title="Deliveries">
          <Facts
            of={[
              ['Delivered', <Count of={totals.delivered} />],
              ['Failed', <Count of={totals.failed} />],
              ['Success', successRate === null ? '–' : <data value={successRate}>{percent(successRate)}</data>],
            ]}
          />
          <Chart name="Deliveries" times={times} lines={deliveries} step={interval} />
        </Card>
        <Card title="Top events">
          {topEvents.length === 0 ? <p class="quiet">None in this range.</p> : <TopEvents of={topEvents} />}
        </Card>
        <Card title="Webhooks">
          <Facts
            of={[
              ['Deliveries created', <Count of={totals.deliveries} />],
              ['Pending', <Count of={totals.pending} />],
              ['Held', <Count of={totals.held} />],
              ['Dismissed', <Count of={totals.dismissed} />],
              ['50 % within', <Took ms={latencyMs?.p50} />],
              ['90 % within', <Took ms={latencyMs?.p90} />],
              ['99 % within', <Took ms={latencyMs?.p99} />],
            ]}
          />
          <h3>Held or failing now</h3>
          {webhooks.length === 0 ? (
            <p class="quiet">
              None. <a href={to(['webhooks'])}>All webhooks</a>
            </p>
          ) : (
            <FailingWebhooks of={webhooks} />
          )}
        </Card>
      </div>
    </>
  );
}

const Took = ({ ms }: { ms: number | undefined }) =>
  ms === undefined ? <>–</> : <data value={ms}>{duration(ms)}</data>;

function TopEvents({ of }: { of: Stats['topEvents'] }) {
  const most = of[0]?.count ?? 1;
  return (
    <Table
      caption="Top events"
      items={of}
      keyOf={({ name }) => name}
      columns={[
        { name: 'Event', show: ({ name }) => <a href={to(['live'], { event: name })}>{name}</a> },
        { name: 'Count', number: true, show: ({ count }) => <Count of={count} /> },
        { name: 'Share', show: ({ count }) => <progress class="share" aria-hidden="true" value={count} max={most} /> },
      ]}
    />
  );
}

function stateOf({ active, disabledReason, circuit, held }: FailingWebhook): [tone: Tone, name: string] {
  if (!active) return ['bad', disabledReason ? 'Switched off after failures' : 'Off'];
  if (circuit.state === 'open') return ['warn', 'Failing, paused'];
  return held > 0 ? ['warn', 'Held'] : ['bad', 'Failing'];
}

function FailingWebhooks({ of }: { of: FailingWebhook[] }) {
  return (
    <Table
      caption="Webhooks that are held or failing"
      items={of}
      keyOf={({ id }) => id}
      columns={[
        { name: 'Webhook', show: ({ id, name }) => <a href={to(['webhooks', id])}>{name}</a> },
        {
          name: 'State',
          show: (webhook) => (
            <Badge tone={stateOf(webhook)[0]} title={webhook.disabledReason ?? undefined}>
              {stateOf(webhook)[1]}
            </Badge>
          ),
        },
        { name: 'Held', number: true, show: ({ held }) => <Count of={held} /> },
        { name: 'Failed', number: true, show: ({ failed }) => <Count of={failed} /> },
      ]}
    />
  );
}
