// A person's timeline: events from browsers and servers side by side, ordered by time. Events that
// linked a session are marked.

import { useState } from 'preact/hooks';
import { answer, type Schema, type TimelineEvent } from '../../../api';
import { usePages } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Select } from '../../parts/forms';
import { Badge, Empty, Problem, Waiting } from '../../parts/feedback';
import { Card, Copy, Facts, Json, More, plural, Time } from '../../parts/display';
import { setQuery, route, to } from '../../route';
import { summarize } from './summary';

const PAGE = 50;
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const LANES = { browser: 'Browser', webhook: 'Server' };
const key = ({ source, messageId }: TimelineEvent) => `${source}:${messageId}`;

type Link = Schema<'Link'>;

function EventDialog({ event, link, close }: { event: TimelineEvent; link: Link | undefined; close: () => void }) {
  const source = event.source === 'browser' ? 'browser' : 'server';
  return (
    <Dialog title={event.eventType} close={close} wide>
      {link && (
        <p class="notice">
          This event identified the session. The link gives this person {plural(link.events, 'event')} of it.
        </p>
      )}
      <Facts
        of={[
          ['Time', <Time at={event.timestamp} />],
          ['Source', LANES[event.source]],
          ['Session', <code>{event.sessionId}</code>],
          ['Message id', <Copy text={event.messageId} label="message id" />],
        ]}
      />
      <Json value={event.eventData} />
      <p>
        <a href={to(['live', source, event.messageId])}>Receipt and deliveries</a>
      </p>
    </Dialog>
  );
}

function Item({ event, link, open }: { event: TimelineEvent; link: Link | undefined; open: () => void }) {
  return (
    <li class={`lane ${event.source}`} data-event={event.eventType}>
      <time dateTime={event.timestamp} title={event.timestamp}>
        {TIME.format(new Date(event.timestamp))}
      </time>
      <button type="button" class="happened" onClick={open}>
        <span class="happened-name">{event.eventType}</span> <span class="lane-name">{LANES[event.source]}</span>
        {link && (
          <Badge tone="accent" title={`This link owns ${plural(link.events, 'event')}`}>
            linked here
          </Badge>
        )}
        <span class="summary">{summarize(event.eventData)}</span>
      </button>
    </li>
  );
}

/** A new `version` reloads the timeline, for example after an undo. */
export function Timeline({ id, links, version }: { id: string; links: Link[]; version: number }) {
  const [opened, setOpened] = useState<TimelineEvent>();
  const order = route.value.query.get('order') === 'asc' ? 'asc' : 'desc';
  const pages = usePages(
    (admin, cursor): Promise<Schema<'Timeline'>> =>
      answer(
        admin.GET('/api/admin/users/{id}/timeline', {
          params: { path: { id }, query: { cursor, order, limit: PAGE } },
        }),
      ),
    ({ events }) => events,
    [order, version],
  );
  const linked = new Map(links.map((link) => [link.messageId, link]));
  const link = (event: TimelineEvent) => (event.source === 'browser' ? linked.get(event.messageId) : undefined);
  const days = new Map<string, TimelineEvent[]>();
  for (const event of pages.items) {
    const day = DAY.format(new Date(event.timestamp));
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return (
    <Card
      title="Timeline"
      actions={
        <Select
          label={<span class="visually-hidden">Order</span>}
          value={order}
          set={(order) => setQuery({ order: order === 'asc' ? order : '' })}
          options={[
            ['desc', 'Newest first'],
            ['asc', 'Oldest first'],
          ]}
        />
      }
    >
      <Problem error={pages.error} retry={pages.reload} />
      {pages.first ? (
        <div class={pages.busy ? 'lanes stale' : 'lanes'} aria-busy={pages.busy}>
          {pages.items.length > 0 ? (
            <p class="lane-heads" aria-hidden="true">
              <span>Browser</span>
              <span>Server</span>
            </p>
          ) : (
            <Empty title="No events">
              <p>Events of this person's sessions and events that your server sends about them appear here.</p>
            </Empty>
          )}
          {[...days].map(([day, events]) => (
            <section key={day} aria-label={day}>
              <h3>{day}</h3>
              <ol>
                {events.map((event) => (
                  <Item key={key(event)} event={event} link={link(event)} open={() => setOpened(event)} />
                ))}
              </ol>
            </section>
          ))}
          <More pages={pages} />
        </div>
      ) : (
        !pages.error && <Waiting />
      )}
      {opened && <EventDialog event={opened} link={link(opened)} close={() => setOpened(undefined)} />}
    </Card>
  );
}
