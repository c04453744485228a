// One open event: its data, its outcome, its person and the link to them, and its deliveries.

import type { ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useLoad } from '../../load';
import { Await, Badge, type Tone } from '../../parts/feedback';
import { CopyButton, duration, Facts, focusHeading, Json, plural, Time } from '../../parts/display';
import { route, to } from '../../route';
import type { Incoming, useEventList } from './event-list';
import { OUTCOME_TONE } from './row';

type Receipt = Schema<'EventReceipt'>;
type Delivery = Schema<'ReceiptDelivery'>;
type SetOwner = ReturnType<typeof useEventList>['setOwner'];

/** While deliveries of the event are pending, it is reloaded after this. */
const RELOAD_MS = 2_000;

const REDACTED = 'Of a rejected event, TrackMate keeps the shape of its data, but no values.';

/**
 * `entry` is the event's entry in the list. For a rejected event without a message id there is
 * nothing else.
 */
export function EventPanel({
  door,
  messageId,
  entry,
  setOwner,
}: {
  door: string;
  messageId: string | undefined;
  entry: Incoming | undefined;
  setOwner: SetOwner;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { query } = route.value;
  const back = to(
    ['live'],
    Object.fromEntries(['outcome', 'door', 'event'].map((name) => [name, query.get(name) ?? ''])),
  );
  const close = () => {
    const row = document.querySelector<HTMLElement>('.entry [aria-current]');
    // The panel may cover the list, so focus the row only after the panel is removed.
    addEventListener('hashchange', () => setTimeout(() => (row ? row.focus() : focusHeading())), { once: true });
    location.hash = back;
  };
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    const escape = (key: KeyboardEvent) => key.key === 'Escape' && !key.defaultPrevented && close();
    addEventListener('keydown', escape);
    return () => removeEventListener('keydown', escape);
  }, []);
  return (
    <aside class="card event-panel" aria-labelledby="event-panel-title">
      <div class="card-head">
        <h2 id="event-panel-title" ref={heading} tabIndex={-1}>
          {entry ? (entry.eventType ?? 'Unnamed event') : 'Event'}
        </h2>
        <button type="button" class="small secondary" onClick={close}>
          Close
        </button>
      </div>
      {messageId ? (
        <LoadedEvent door={door} messageId={messageId} setOwner={setOwner} />
      ) : entry ? (
        <EventWithoutId entry={entry} />
      ) : (
        <p>This event has no message id and is no longer in the list, so it cannot be found.</p>
      )}
    </aside>
  );
}

function LoadedEvent({ door, messageId, setOwner }: { door: string; messageId: string; setOwner: SetOwner }) {
  const receipt = useLoad(
    (admin, signal) =>
      answer(
        admin.GET('/api/admin/events/{messageId}', {
          params: { path: { messageId }, query: { door: door as Incoming['door'] } },
          signal,
        }),
      ),
    [door, messageId],
  );
  const { data } = receipt;
  useEffect(() => {
    if (!data?.deliveries.some(({ status }) => status === 'pending')) return;
    const timer = setTimeout(receipt.reload, RELOAD_MS);
    return () => clearTimeout(timer);
  }, [data]);
  useEffect(() => {
    if (data?.person) setOwner(door, messageId, { id: data.person.id, name: data.person.name || data.person.email });
  }, [data]);
  return <Await of={receipt}>{(receipt) => <EventDetails receipt={receipt} />}</Await>;
}

function EventDetails({ receipt: { event, person, deliveries } }: { receipt: Receipt }) {
  return (
    <>
      <p class="outcome">
        <Badge tone={OUTCOME_TONE[event.outcome]}>{event.outcome}</Badge>{' '}
        <strong>{event.eventType ?? 'Unnamed event'}</strong> from the {event.door}
        {event.duplicates ? <>, sent {plural(event.duplicates, 'more time', 'more times')} and stored once</> : null}
      </p>
      {event.outcome === 'rejected' && <Reason code={event.code} message={event.message} field={event.field} />}
      {event.warnings?.map(({ message }) => (
        <p class="notice">{message}</p>
      ))}
      <Facts
        of={[
          ['Received', <Time at={event.receivedAt} />],
          ['Time', <Time at={event.timestamp} />],
          ...(event.originalTimestamp && event.originalTimestamp !== event.timestamp
            ? [['Time sent by the client', <Time at={event.originalTimestamp} />] as [string, ComponentChild]]
            : []),
          ['Session', event.sessionId ? <code>{event.sessionId}</code> : '–'],
          [
            'Message id',
            <span class="copy">
              <code>{event.messageId}</code>
              <CopyButton text={event.messageId} label="message id" />
            </span>,
          ],
        ]}
      />
      <h3>Person</h3>
      {person ? (
        <Owner person={person} />
      ) : (
        <p class="quiet">
          {event.outcome === 'rejected'
            ? 'None, since the event was not stored.'
            : 'None yet. The event gets a person when its session is identified.'}
        </p>
      )}
      <h3>Data</h3>
      {event.outcome === 'rejected' && <p class="hint">{REDACTED}</p>}
      {event.eventData ? <Json value={event.eventData} /> : <p class="quiet">None.</p>}
      {event.context && (
        <>
          <h3>Page and browser</h3>
          <Json value={event.context} />
        </>
      )}
      {event.outcome !== 'rejected' && (
        <>
          <h3>Deliveries</h3>
          {deliveries.length ? (
            <ul class="sent">
              {deliveries.map((delivery) => (
                <DeliveryItem key={delivery.id} delivery={delivery} />
              ))}
            </ul>
          ) : (
            <p class="quiet">
              None: no active <a href={to(['webhooks'])}>webhook</a> was subscribed to it.
            </p>
          )}
        </>
      )}
    </>
  );
}

/** A rejected event without a message id, of which only the list's entry exists. */
function EventWithoutId({ entry }: { entry: Incoming }) {
  return (
    <>
      <p class="outcome">
        <Badge tone={OUTCOME_TONE[entry.outcome]}>{entry.outcome}</Badge> from the {entry.door}, without a message id
      </p>
      <Reason code={entry.code} message={entry.message} field={entry.field} />
      <Facts
        of={[
          ['Received', <Time at={entry.at} />],
          ['Time', <Time at={entry.timestamp} />],
          ['Session', entry.sessionId ? <code>{entry.sessionId}</code> : '–'],
        ]}
      />
      <h3>Data</h3>
      <p class="hint">{REDACTED}</p>
      {entry.eventData ? <Json value={entry.eventData} /> : <p class="quiet">None.</p>}
    </>
  );
}

function Reason({ code, message, field }: { code: string | null; message: string | null; field: string | null }) {
  return (
    <div class="problem">
      <p>{message ?? 'The event was rejected.'}</p>
      <p class="quiet">
        {code && <a href={`/docs/problems/#${code}`}>How to fix {code}</a>}
        {field && (
          <>
            {' '}
            in <code>{field}</code>
          </>
        )}
      </p>
    </div>
  );
}

function Owner({ person }: { person: NonNullable<Receipt['person']> }) {
  const { id, name, email, linkedBy } = person;
  return (
    <>
      <p>
        <a href={to(['people', id])}>{name || email || 'Unnamed person'}</a>
        {name && email ? <span class="quiet"> {email}</span> : null}
      </p>
      {linkedBy && (
        <p class="quiet">
          Linked by the identify of <Time at={linkedBy.at} /> in session <code>{linkedBy.sessionId}</code>
          {linkedBy.messageId && (
            <>
              {' '}
              (<code>{linkedBy.messageId}</code>)
            </>
          )}
          .
        </p>
      )}
    </>
  );
}

const STATUS: Record<string, [tone: Tone, name: string]> = {
  pending: ['accent', 'pending'],
  held: ['warn', 'held'],
  delivered: ['good', 'delivered'],
  failed_permanent: ['bad', 'failed'],
  exhausted: ['bad', 'exhausted'],
  dismissed: ['quiet', 'dismissed'],
};

function DeliveryItem({ delivery }: { delivery: Delivery }) {
  const [tone, name] = STATUS[delivery.status] ?? ['quiet', delivery.status];
  return (
    <li>
      <p>
        <Badge tone={tone}>{name}</Badge>{' '}
        <a href={to(['webhooks', delivery.webhookId])}>{delivery.webhookName || 'Deleted webhook'}</a>
        {delivery.status === 'pending' && delivery.nextAttemptAt && (
          <span class="quiet">
            {' '}
            next attempt <Time at={delivery.nextAttemptAt} />
          </span>
        )}
      </p>
      {delivery.attempts.length > 0 && (
        <ol>
          {delivery.attempts.map((attempt) => (
            <li key={attempt.attempt} value={attempt.attempt}>
              <Time at={attempt.at} short />{' '}
              <span class={attempt.success ? 'good' : 'bad'}>{attempt.statusCode ?? attempt.error ?? 'no answer'}</span>{' '}
              in {duration(attempt.durationMs)}
            </li>
          ))}
        </ol>
      )}
      {delivery.attempts.length === 0 && <p class="quiet">No attempt yet.</p>}
    </li>
  );
}
