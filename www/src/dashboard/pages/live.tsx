// Live: events as they arrive, with their outcome. New events wait while the list is paused or
// scrolled down.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Button, Select, Text } from '../parts/forms';
import { Badge, Problem, Waiting } from '../parts/feedback';
import { number, Page, plural } from '../parts/display';
import { setQuery, route } from '../route';
import { EventPanel } from './live/event-panel';
import { Row } from './live/row';
import { ENTRIES_MAX, useEventList } from './live/event-list';
import { EmptyLive } from './live/empty';
import './live.css';

/** Scrolled further down than this, the viewer is reading: new events wait. */
const READING_PX = 120;
const TYPING_MS = 300;
/** In a window this narrow, an open event covers the list. */
const FULL_WIDTH_PANEL = matchMedia('(max-width: 30rem)');

const OUTCOMES: [string, string][] = [
  ['', 'All'],
  ['stored', 'Stored'],
  ['duplicate', 'Duplicate'],
  ['rejected', 'Rejected'],
];
const SOURCES: [string, string][] = [
  ['', 'All'],
  ['browser', 'Browser'],
  ['server', 'Server'],
];

export default function Live() {
  const { rest, query } = route.value;
  const filters = {
    outcome: query.get('outcome') ?? '',
    door: query.get('door') ?? '',
    eventType: query.get('event') ?? '',
  };
  const [paused, setPaused] = useState(false);
  const list = useEventList(filters, () => paused || scrollY > READING_PX);
  const { shown, waitingCount, release } = list;
  const open = rest[0] ? { door: rest[0], messageId: rest[1], seq: query.get('seq') } : undefined;
  const isOpen = (entry: (typeof shown)[number]) =>
    open !== undefined &&
    entry.door === open.door &&
    (open.messageId ? entry.messageId === open.messageId : String(entry.seq) === open.seq);
  const filtered = Object.values(filters).some(Boolean);

  useEffect(() => {
    if (paused) return;
    const atTop = () => scrollY <= READING_PX && release();
    addEventListener('scroll', atTop, { passive: true });
    return () => removeEventListener('scroll', atTop);
  }, [paused]);

  const showWaiting = () => {
    setPaused(false);
    release();
    scrollTo({ top: 0 });
  };

  return (
    <Page
      title="Live"
      actions={
        <>
          <Status paused={paused} loaded={list.loaded} connected={list.connected} failed={Boolean(list.error)} />
          <Button tone="secondary" aria-pressed={paused} onClick={() => (paused ? showWaiting() : setPaused(true))}>
            {paused ? 'Resume' : 'Pause'}
          </Button>
        </>
      }
    >
      <div class="filters">
        <Select label="Outcome" options={OUTCOMES} value={filters.outcome} set={(outcome) => setQuery({ outcome })} />
        <Select label="Source" options={SOURCES} value={filters.door} set={(door) => setQuery({ door })} />
        <EventName
          value={filters.eventType}
          set={(event) => setQuery({ event })}
          names={[...new Set(shown.map(({ eventType }) => eventType ?? ''))].filter(Boolean)}
        />
        {filtered && (
          <Button tone="link" onClick={() => setQuery({ outcome: '', door: '', event: '' })}>
            Show all
          </Button>
        )}
      </div>
      <Problem error={list.error} retry={list.retry} />
      <div class={open ? 'live opened' : 'live'}>
        {/* If the open event covers the list, the keyboard must not reach the list. */}
        <div inert={open !== undefined && FULL_WIDTH_PANEL.matches}>
          {/* Always rendered, so that nothing jumps when new events wait. */}
          <div class="arrivals" role="status">
            {waitingCount > 0 && (
              <button type="button" class="small" onClick={showWaiting}>
                {plural(waitingCount, 'new event')}
              </button>
            )}
          </div>
          {!list.loaded && !list.error && <Waiting />}
          {list.loaded && shown.length === 0 && <EmptyLive filtered={filtered} />}
          {shown.length > 0 && (
            <ol class="event-list" aria-label="Events, newest first">
              {shown.map((entry) => (
                <Row key={entry.seq} entry={entry} open={isOpen(entry)} />
              ))}
            </ol>
          )}
          {list.hasMore && shown.length > 0 && (
            <p class="more">
              <Button tone="secondary" aria-disabled={list.busy} onClick={list.more}>
                {list.busy ? 'Loading…' : 'Show older'}
              </Button>
            </p>
          )}
          {list.isFull && (
            <p class="more quiet">
              The newest {number(ENTRIES_MAX)} are shown. Older events are on people's timelines and in exports.
            </p>
          )}
        </div>
        {open && (
          <EventPanel
            key={`${open.door}/${open.messageId ?? open.seq}`}
            door={open.door}
            messageId={open.messageId}
            entry={shown.find(isOpen)}
            setOwner={list.setOwner}
          />
        )}
      </div>
    </Page>
  );
}

function Status({
  paused,
  loaded,
  connected,
  failed,
}: {
  paused: boolean;
  loaded: boolean;
  connected: boolean;
  failed: boolean;
}) {
  if (failed) return <Badge tone="bad">Stopped</Badge>;
  // TrackMate logs events only while somebody watches. Show "Listening" only after the first
  // request.
  if (!loaded) return <Badge>Connecting…</Badge>;
  if (!connected) return <Badge tone="warn">Connection lost, trying again…</Badge>;
  return paused ? (
    <Badge>Paused</Badge>
  ) : (
    <Badge tone="good">
      <span class="pulse" aria-hidden="true">
        ●
      </span>{' '}
      Listening
    </Badge>
  );
}

/** Applies the filter after the viewer stops typing. */
function EventName({ value, set, names }: { value: string; set: (name: string) => void; names: string[] }) {
  const [typed, setTyped] = useState(value);
  const latest = useRef(value);
  useEffect(() => {
    if (value !== latest.current) setTyped(value);
    latest.current = value;
  }, [value]);
  useEffect(() => {
    const timer = setTimeout(() => {
      latest.current = typed.trim();
      if (typed.trim() !== value) set(typed.trim());
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <>
      <Text
        label="Event name"
        list="event-names"
        autocomplete="off"
        spellcheck={false}
        placeholder="Any"
        value={typed}
        set={setTyped}
      />
      <datalist id="event-names">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}
