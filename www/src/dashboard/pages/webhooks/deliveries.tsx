// A webhook's deliveries, newest first. Each opens to its attempts, with request and response.

import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask, usePages } from '../../load';
import { Button, Select } from '../../parts/forms';
import { Empty, Problem, notify, Waiting } from '../../parts/feedback';
import { Card, duration, Facts, Json, More, plural, Time } from '../../parts/display';
import { setQuery, route, to } from '../../route';
import { State, type Status, STATUSES } from './health';
import { Recover } from './recover';
import { Body } from './test';

type Delivery = Schema<'Delivery'>;

/** Milliseconds between reloads while deliveries are pending. */
const RELOAD_MS = 1_500;

function Attempt({ attempt, since }: { attempt: Delivery['attempts'][number]; since: string }) {
  const { statusCode, error, success, responseBody, durationMs, at, url } = attempt;
  return (
    <li data-attempt={attempt.attempt}>
      <p>
        <strong>Attempt {attempt.attempt}</strong>{' '}
        <span class={success ? 'good' : 'bad'}>{statusCode ?? 'no answer'}</span> in {duration(durationMs)} ·{' '}
        <Time at={at} />{' '}
        <span class="quiet">
          ({duration(Math.max(0, Date.parse(at) - Date.parse(since)))} after{' '}
          {attempt.attempt === 1 ? 'the event was received' : 'the previous attempt'})
        </span>
      </p>
      {/* The status code already says that the receiver answered with an error. */}
      {error && error !== `the receiver answered ${statusCode}` && <p class="bad">{error}</p>}
      <p class="hint">
        POST <code>{url}</code>
      </p>
      {statusCode !== null && <Body body={responseBody} />}
    </li>
  );
}

/**
 * The source of the delivery's event, for the link to its receipt. TrackMate's own events have no
 * receipt.
 */
function sourceOf({ payload, event }: Delivery): string | undefined {
  const { source } = (payload?.metadata ?? {}) as { source?: string };
  return /^(user|tag|customfield|identity|webhook)\./.test(event)
    ? undefined
    : { browser: 'browser', webhook: 'server' }[source ?? ''];
}

function DeliveryDetails({ webhook, delivery, changed }: { webhook: string; delivery: Delivery; changed: () => void }) {
  const task = useTask();
  const { id, status, attempts, attemptsMade, payload, createdAt, finishedAt, nextAttemptAt, messageId } = delivery;
  const source = sourceOf(delivery);
  const resend = async () => {
    if (
      !(await task.run((admin) =>
        answer(
          admin.POST('/api/admin/webhooks/{id}/deliveries/{delivery}/resend', {
            params: { path: { id: webhook, delivery: id } },
          }),
        ),
      ))
    )
      return;
    notify('The delivery is being sent again, with the same id and body.');
    changed();
  };
  return (
    <div class="delivery-open">
      <Facts
        of={[
          ['Delivery id (webhook-id)', <code>{id}</code>],
          [
            'Message id',
            source ? (
              <a href={to(['live', source, messageId])}>
                <code>{messageId}</code>
              </a>
            ) : (
              <code>{messageId}</code>
            ),
          ],
          ['Received', <Time at={createdAt} />],
          [finishedAt ? 'Ended' : 'Next attempt', <Time at={finishedAt ?? nextAttemptAt} />],
          ...(finishedAt
            ? [['Total time', duration(Date.parse(finishedAt) - Date.parse(createdAt))] as [string, string]]
            : []),
        ]}
      />
      {finishedAt && (
        <Button tone="secondary" task={task} onClick={resend}>
          Resend
        </Button>
      )}
      {status === 'held' && <p class="hint">Held: it is sent automatically when the webhook is on again.</p>}
      <Problem error={task.error} />
      <div class="grid">
        <div>
          <h3>Request</h3>
          {payload ? (
            <Json value={payload} />
          ) : (
            <p class="quiet">The body is created with the first attempt, and shown from then on.</p>
          )}
        </div>
        <div>
          <h3>
            {attemptsMade ? plural(attemptsMade, 'attempt') : 'No attempt yet'}
            {attemptsMade > attempts.length && `, the latest ${attempts.length} shown`}
          </h3>
          <ol class="exchange">
            {attempts.map((one, index) => (
              <Attempt key={one.attempt} attempt={one} since={attempts[index - 1]?.at ?? createdAt} />
            ))}
          </ol>
        </div>
      </div>
    </div>
  );
}

function Row({ webhook, delivery, changed }: { webhook: string; delivery: Delivery; changed: () => void }) {
  const [open, setOpen] = useState(false);
  const last = delivery.attempts.at(-1);
  return (
    <details
      class="delivery"
      data-delivery={delivery.id}
      open={open}
      onToggle={(toggle) => setOpen(toggle.currentTarget.open)}
    >
      <summary>
        <State status={delivery.status} />
        <strong>{delivery.event}</strong>
        <span class="quiet">
          {last ? (last.error ?? `${last.statusCode} in ${duration(last.durationMs)}`) : ''}
          {delivery.attemptsMade > 1 && ` · ${plural(delivery.attemptsMade, 'attempt')}`}
        </span>
        <Time at={delivery.createdAt} />
      </summary>
      {open && <DeliveryDetails webhook={webhook} delivery={delivery} changed={changed} />}
    </details>
  );
}

export function Deliveries({ id, changed }: { id: string; changed: () => void }) {
  const status = (route.value.query.get('status') ?? '') as Status | '';
  const pages = usePages(
    (admin, cursor) =>
      answer(
        admin.GET('/api/admin/webhooks/{id}/deliveries', {
          params: { path: { id }, query: { limit: 25, cursor, status: status || undefined } },
        }),
      ),
    ({ deliveries }) => deliveries,
    [id, status],
  );
  const { items, first, error, busy, reload } = pages;
  const reloadAll = () => {
    reload();
    changed();
  };
  // Reload while deliveries are pending, but not after the viewer loaded older ones.
  const endsSoon =
    items.length <= 25 &&
    items.some(
      ({ status, nextAttemptAt }) => status === 'pending' && Date.parse(nextAttemptAt ?? '') < Date.now() + 10_000,
    );
  useEffect(() => {
    if (!endsSoon || busy) return;
    const timer = setTimeout(reloadAll, RELOAD_MS);
    return () => clearTimeout(timer);
  }, [endsSoon, busy, items]);
  return (
    <Card
      title="Deliveries"
      actions={
        <>
          <Recover id={id} done={reloadAll} />
          <Button tone="secondary" onClick={reloadAll}>
            Refresh
          </Button>
        </>
      }
    >
      <div class="filters">
        <Select
          label="Status"
          value={status}
          set={(status) => setQuery({ status })}
          options={[['', 'all'], ...STATUSES.map(([status, name]): [string, string] => [status, name])]}
        />
      </div>
      <Problem error={error} retry={reload} />
      {!first && !error && <Waiting />}
      {first && items.length === 0 && (
        <Empty title={status ? 'No delivery has this status' : 'No deliveries yet'}>
          {!status && (
            <p>
              The next event that this webhook is subscribed to creates the first delivery. The tab Test sends a test
              delivery, which is not logged.
            </p>
          )}
        </Empty>
      )}
      <div class="log">
        {items.map((delivery) => (
          <Row key={delivery.id} webhook={id} delivery={delivery} changed={reloadAll} />
        ))}
      </div>
      <More pages={pages} />
    </Card>
  );
}
