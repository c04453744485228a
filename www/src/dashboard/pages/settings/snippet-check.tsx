// Is my snippet working? Watches what browsers send from now on, and says where it came from, or why it was refused.

import { useEffect, useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { Button } from '../../parts/forms';
import { Badge, Problem } from '../../parts/feedback';
import { Card, Time } from '../../parts/display';
import { to } from '../../route';
import { signOutIfRevoked, signedIn } from '../../session';
import type { Settings } from './save';

/** Milliseconds between two looks. */
const POLL_MS = 1_500;
/** Items of a look, and shown. */
const SHOWN = 10;

type Incoming = Schema<'Incoming'>;

/** The page it came from, where the event says so: a page view does. */
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
        const { events } = await answer(session.admin.GET('/api/admin/events', { params: { query: { door: 'browser', limit: SHOWN } }, signal: abort.signal }));
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
  const origins = [...new Set(seen.filter(({ outcome }) => outcome !== 'rejected').map(originOf).filter(Boolean))];
  return (
    <Card title="Is my snippet working?" actions={<Button tone="secondary" onClick={() => setOn(!on)}>{on ? 'Stop' : 'Check now'}</Button>}>
      <Problem error={error} />
      <div role="status" aria-live="polite" data-check={!on ? 'off' : good ? 'working' : seen.length ? 'refused' : 'waiting'}>
        {!on && <p class="hint">Begins to watch; then open a page that has the snippet.</p>}
        {on && seen.length === 0 && <p>Waiting for the first event of a browser… Open a page with the snippet{settings.allowedOrigins && <> on {settings.allowedOrigins.length ? settings.allowedOrigins.join(', ') : 'an allowed origin (there is none: see Company)'}</>}.</p>}
        {good && <p class="good"><strong>It works.</strong> {origins.length > 0 ? `Events arrived from ${origins.join(', ')}.` : 'Events arrived.'}</p>}
        {on && seen.length > 0 && !good && <p class="bad"><strong>A page reached TrackMate, and was refused.</strong></p>}
      </div>
      {seen.length > 0 && (
        <ul class="received">
          {seen.map((one) => (
            <li key={one.seq}>
              <Badge tone={one.outcome === 'rejected' ? 'bad' : 'good'}>{one.outcome}</Badge> <strong>{one.eventType ?? 'an item'}</strong> <Time at={one.at} />
              {one.message && <div class="hint">{one.message} <a href={`/docs/problems/#${one.code}`}>{one.code}</a></div>}
            </li>
          ))}
        </ul>
      )}
      {on && <p class="hint">All that comes in, with people and deliveries: <a href={to(['live'])}>Live</a>.</p>}
    </Card>
  );
}
