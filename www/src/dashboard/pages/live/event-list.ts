// The list of received events, newest first: first the API's list, then its stream. The list is
// bounded and has each entry once. While it is paused, new entries wait.

import { useEffect, useRef, useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { follow } from '../../event-stream';
import { signOutIfRevoked, signedIn } from '../../session';

/** A received item as the API returns it. `bot` is set if the API marks bots. */
export type Incoming = Schema<'Incoming'> & { bot?: boolean };

/** Number of entries in the list. Older ones are dropped. */
export const ENTRIES_MAX = 500;
const PAGE = 50;
/**
 * New entries are shown in steps of this, so that a flood of events does not re-render for each.
 */
const STEP_MS = 100;

/** A hidden tab stops following after this, since each second of following costs a query. */
const HIDDEN_MS_MAX = 10 * 60_000;

export interface EventFilters {
  outcome: string;
  door: string;
  eventType: string;
}

const fits = (entry: Incoming, { outcome, door, eventType }: EventFilters) =>
  (!outcome || entry.outcome === outcome) &&
  (!door || entry.door === door) &&
  (!eventType || entry.eventType === eventType);

const page = (
  admin: Admin,
  { limit, cursor, outcome, door, eventType }: Partial<EventFilters> & { limit: number; cursor?: string | undefined },
) => {
  const query = {
    limit,
    ...(cursor && { cursor }),
    ...(outcome && { outcome: outcome as Incoming['outcome'] }),
    ...(door && { door: door as Incoming['door'] }),
    ...(eventType && { eventType }),
  };
  return answer(admin.GET('/api/admin/events', { params: { query } }));
};

interface List {
  shown: Incoming[];
  waiting: Incoming[];
  /** All that arrived while paused, including entries that were dropped since. */
  waitingCount: number;
  cursor: string | null;
  loaded: boolean;
  error?: unknown;
}

interface Owner {
  id: string;
  name: string | null;
}

type OwnerOf = (entry: Incoming) => Owner | undefined;

/** The entries, with the owner's name added to those whose owner became known. */
const withOwners = (entries: Incoming[], ownerOf: OwnerOf) =>
  entries.map((entry) => {
    const owner = entry.userId || entry.outcome === 'rejected' ? undefined : ownerOf(entry);
    return owner ? { ...entry, userId: owner.id, userName: owner.name } : entry;
  });

const NONE: List = { shown: [], waiting: [], waitingCount: 0, cursor: null, loaded: false };
const newest = (entries: Incoming[]) => entries.slice(0, ENTRIES_MAX);

/** Adds new entries to the list. While it is paused, they wait. */
function withEntries(list: List, fresh: Incoming[], ownerOf: OwnerOf, isPaused: boolean): List {
  const known = new Set([...list.shown, ...list.waiting].map(({ seq }) => seq));
  const added = fresh.filter(({ seq }) => !known.has(seq));
  const waiting = withOwners(newest([...added, ...list.waiting]), ownerOf);
  const waitingCount = list.waitingCount + added.length;
  const shown = withOwners(list.shown, ownerOf);
  return isPaused
    ? { ...list, shown, waiting, waitingCount }
    : { ...list, shown: newest([...waiting, ...shown]), waiting: [], waitingCount: 0 };
}

/** Collects the entries of a stream, and passes matching ones on in steps of STEP_MS. */
function collect(filters: EventFilters, pass: (fresh: Incoming[], ownerOf: OwnerOf) => void) {
  let arrived: Incoming[] = [];
  // Owners of sessions: an identify also gives the person the earlier events of the session.
  const owners = new Map<string, Owner>();
  const ownerOf = ({ door, sessionId }: Incoming) =>
    door === 'browser' && sessionId ? owners.get(sessionId) : undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const fresh = arrived.reverse();
    arrived = [];
    pass(fresh, ownerOf);
  };
  return {
    take: (data: string) => {
      const entry: Incoming = JSON.parse(data);
      const { door, sessionId, userId, userName } = entry;
      if (door === 'browser' && sessionId && userId && !owners.has(sessionId)) {
        owners.set(sessionId, { id: userId, name: userName ?? null });
        timer ??= setTimeout(flush, STEP_MS);
      }
      if (!fits(entry, filters)) return;
      arrived.push(entry);
      timer ??= setTimeout(flush, STEP_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Whether the tab has been hidden for a long time. */
function useAsleep() {
  const [asleep, setAsleep] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const visibilityChanged = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setAsleep(true), HIDDEN_MS_MAX);
      else setAsleep(false);
    };
    visibilityChanged();
    document.addEventListener('visibilitychange', visibilityChanged);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', visibilityChanged);
    };
  }, []);
  return asleep;
}

/** `isPaused` is called when entries arrive: if it is true, they wait for `release`. */
export function useEventList(filters: EventFilters, isPaused: () => boolean) {
  const [list, setList] = useState<List>(NONE);
  const [connected, setConnected] = useState(true);
  const [version, setVersion] = useState(0);
  const [busy, setBusy] = useState(false);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const asleep = useAsleep();
  const session = signedIn.value;
  const filtered = Boolean(filters.outcome || filters.door || filters.eventType);
  const load = (cursor?: string) => page(session!.admin, { ...filters, limit: PAGE, cursor });

  useEffect(() => {
    if (!session || asleep) return;
    const abort = new AbortController();
    const collector = collect(filters, (fresh, ownerOf) =>
      setList((list) => withEntries(list, fresh, ownerOf, paused.current())),
    );
    const start = async () => {
      // The stream begins before the list was read, so that no entry is missed between the two.
      const before = filtered ? (await page(session.admin, { limit: 1 })).events[0]?.seq : undefined;
      const { events, pagination } = await load();
      if (abort.signal.aborted) return;
      setList({ ...NONE, shown: events, cursor: pagination.nextCursor, loaded: true });
      // The stream is not filtered, so that a reconnect continues after skipped entries too.
      await follow({
        key: session.key,
        path: '/api/admin/events/stream',
        after: before ?? events[0]?.seq ?? 0,
        onMessage: collector.take,
        onConnection: setConnected,
        signal: abort.signal,
      });
    };
    setList(NONE);
    setConnected(true);
    start().catch(
      (error: unknown) => abort.signal.aborted || setList((list) => ({ ...list, error: signOutIfRevoked(error) })),
    );
    return () => {
      abort.abort();
      collector.stop();
    };
  }, [session?.key, filters.outcome, filters.door, filters.eventType, version, asleep]);

  return {
    ...list,
    connected,
    busy,
    hasMore: list.cursor !== null && list.shown.length < ENTRIES_MAX,
    isFull: list.shown.length >= ENTRIES_MAX,
    retry: () => setVersion((version) => version + 1),
    /** Shows the waiting entries. */
    release: () =>
      setList((list) =>
        list.waiting.length
          ? { ...list, shown: newest([...list.waiting, ...list.shown]), waiting: [], waitingCount: 0 }
          : list,
      ),
    /** Sets the owner of an entry, known from its receipt. */
    setOwner: (door: string, messageId: string, owner: Owner) =>
      setList((list) => ({
        ...list,
        shown: withOwners(list.shown, (entry) =>
          entry.door === door && entry.messageId === messageId ? owner : undefined,
        ),
      })),
    /** Loads older entries. */
    more: () => {
      if (busy || list.cursor === null) return;
      setBusy(true);
      load(list.cursor).then(
        ({ events, pagination }) => {
          setBusy(false);
          setList((now) =>
            now.cursor === list.cursor
              ? { ...now, shown: newest([...now.shown, ...events]), cursor: pagination.nextCursor }
              : now,
          );
        },
        (error: unknown) => {
          setBusy(false);
          setList((list) => ({ ...list, error: signOutIfRevoked(error) }));
        },
      );
    },
  };
}
