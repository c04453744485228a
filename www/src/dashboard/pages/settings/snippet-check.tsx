// "Is my snippet working?" Watches new browser events, and shows their origin, or why they were
// rejected.

import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { Button } from '../../parts/forms';
import { Badge, Problem } from '../../parts/feedback';
import { Card, Time } from '../../parts/display';
import { to } from '../../route';
import { signOutIfRevoked, signedIn } from '../../session';
import type { Settings } from './save';

/** Milliseconds between two polls. */
const POLL_MS = 1_500;
/** Number of events that are loaded and shown. */
const SHOWN = 10;

type Incoming = Schema<'Incoming'>;

/** The origin of the event's page, if the event has its address, as page views do. */
function originOf({ eventData }: Incoming): string | undefined {
  const address = eventData?.address;
  return typeof address === 'string' && URL.canParse(address) ? new URL(address).origin : undefined;
}

function useRecentEvents(on: boolean) {
  const [seen, setSeen] = useState<Incoming[]>([]);
  const [error, setError] = useState<unknown>();
  const session = signedIn.value;
  useEffect(() => {
    if (!on || !session) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let from = -1;
    setSeen([]);
    const poll = async () => {
      try {
        const { events } = await answer(
          session.admin.GET('/api/admin/events', {
            params: { query: { door: 'browser', limit: SHOWN } },
            signal: abort.signal,
          }),
        );
        if (from < 0) from = events[0]?.seq ?? 0;
        const since = from;
        setSeen(events.filter(({ seq }) => seq > since));
        setError(undefined);
      } catch (error) {
        if (abort.signal.aborted) return;
        setError(signOutIfRevoked(error));
      }
      if (!abort.signal.aborted) timer = setTimeout(poll, POLL_MS);
    };
    void poll();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [on, session?.key]);
  return { seen, error };
}

export function SnippetCheck({ settings }: { settings: Settings }) {
  const [on, setOn] = useState(false);
  const { seen, error } = useRecentEvents(on);
  const good = seen.some(({ outcome }) => outcome !== 'rejected');
  const origins = [
    ...new Set(
      seen
        .filter(({ outcome }) => outcome !== 'rejected')
        .map(originOf)
        .filter(Boolean),
    ),
  ];
  return (
    <Card
      title="Is my snippet working?"
      actions={
        <Button tone="secondary" onClick={() => setOn(!on)}>
          {on ? 'Stop' : 'Check now'}
        </Button>
      }
    >
      <Problem error={error} />
      <div
        role="status"
        aria-live="polite"
        data-check={!on ? 'off' : good ? 'working' : seen.length ? 'refused' : 'waiting'}
      >
        {!on && <p class="hint">Start the check, then open a page that has the snippet.</p>}
        {on && seen.length === 0 && (
          <p>
            Waiting for the first event from a browser… Open a page with the snippet
            {settings.allowedOrigins && (
              <>
                {' '}
                on{' '}
                {settings.allowedOrigins.length
                  ? settings.allowedOrigins.join(', ')
                  : 'an allowed origin (none is set: see Company)'}
              </>
            )}
            .
          </p>
        )}
        {good && (
          <p class="good">
            <strong>It works.</strong>{' '}
            {origins.length > 0 ? `Events arrived from ${origins.join(', ')}.` : 'Events arrived.'}
          </p>
        )}
        {on && seen.length > 0 && !good && (
          <p class="bad">
            <strong>A page reached TrackMate, but its events were rejected.</strong>
          </p>
        )}
      </div>
      {seen.length > 0 && (
        <ul class="received">
          {seen.map((one) => (
            <li key={one.seq}>
              <Badge tone={one.outcome === 'rejected' ? 'bad' : 'good'}>{one.outcome}</Badge>{' '}
              <strong>{one.eventType ?? 'an event'}</strong> <Time at={one.at} />
              {one.message && (
                <div class="hint">
                  {one.message} <a href={`/docs/problems/#${one.code}`}>{one.code}</a>
                </div>
              )}
            </li>
          ))}
        </ul>
      )}
      {on && (
        <p class="hint">
          See all events, with people and deliveries, on <a href={to(['live'])}>Live</a>.
        </p>
      )}
    </Card>
  );
}
