// The list of what came in, newest first: what the API has of it, then what it streams. Bounded, each entry once, and what comes while it is held waits.

import { useEffect, useRef, useState } from 'preact/hooks';
import { type Admin, answer, type Schema } from '../../../api';
import { follow } from '../../event-stream';
import { noteRefusal, signedIn } from '../../session';

/** What the API says of an item that came in; `bot` where it marks those. */
export type Incoming = Schema<'Incoming'> & { bot?: boolean };

/** Entries that are kept; older ones leave the list. */
export const KEPT_MAX = 500;
const PAGE = 50;
/** What arrives is shown in steps of this, so that a flood costs no more than its list. */
const STEP_MS = 100;

/** A tab that nobody looks at stops following after this: each second of it is a query. */
const HIDDEN_MS_MAX = 10 * 60_000;

export interface Wanted {
  outcome: string;
  door: string;
  eventType: string;
}

const fits = (entry: Incoming, { outcome, door, eventType }: Wanted) =>
  (!outcome || entry.outcome === outcome) && (!door || entry.door === door) && (!eventType || entry.eventType === eventType);

const page = (admin: Admin, { limit, cursor, outcome, door, eventType }: Partial<Wanted> & { limit: number; cursor?: string | undefined }) => {
  const query = { limit, ...(cursor && { cursor }), ...(outcome && { outcome: outcome as Incoming['outcome'] }), ...(door && { door: door as Incoming['door'] }), ...(eventType && { eventType }) };
  return answer(admin.GET('/api/admin/events', { params: { query } }));
};

interface List {
  shown: Incoming[];
  waiting: Incoming[];
  /** Of which the oldest may be gone already. */
  waitingCount: number;
  cursor: string | null;
  loaded: boolean;
  error?: unknown;
}

interface Owner {
  id: string;
  name: string | null;
}

/** The entries, those without an owner that have found one with their owner's name. */
const owned = (entries: Incoming[], ownerOf: (entry: Incoming) => Owner | undefined) =>
  entries.map((entry) => {
    const owner = entry.userId || entry.outcome === 'rejected' ? undefined : ownerOf(entry);
    return owner ? { ...entry, userId: owner.id, userName: owner.name } : entry;
  });

const NONE: List = { shown: [], waiting: [], waitingCount: 0, cursor: null, loaded: false };
const newest = (entries: Incoming[]) => entries.slice(0, KEPT_MAX);

/** Whether the tab has been out of sight for long. */
function useResting() {
  const [resting, setResting] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turned = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setResting(true), HIDDEN_MS_MAX);
      else setResting(false);
    };
    turned();
    document.addEventListener('visibilitychange', turned);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', turned);
    };
  }, []);
  return resting;
}

/** `isHeld` is asked whenever something arrives: whether it has to wait for `release`. */
export function useIncoming(wanted: Wanted, isHeld: () => boolean) {
  const [list, setList] = useState<List>(NONE);
  const [connected, setConnected] = useState(true);
  const [turn, setTurn] = useState(0);
  const [busy, setBusy] = useState(false);
  const held = useRef(isHeld);
  held.current = isHeld;
  const resting = useResting();
  const session = signedIn.value;
  const filtered = Boolean(wanted.outcome || wanted.door || wanted.eventType);
  const ask = (cursor?: string) => page(session!.admin, { ...wanted, limit: PAGE, cursor });

  useEffect(() => {
    if (!session || resting) return;
    const gone = new AbortController();
    let arrived: Incoming[] = [];
    // Whose sessions are: an identify gives its person what the session had sent before it.
    const owners = new Map<string, Owner>();
    let timer: ReturnType<typeof setTimeout> | undefined;

    const show = () => {
      timer = undefined;
      const fresh = arrived.reverse();
      arrived = [];
      setList((list) => {
        const known = new Set([...list.shown, ...list.waiting].map(({ seq }) => seq));
        const added = fresh.filter(({ seq }) => !known.has(seq));
        const ownerOf = ({ door, sessionId }: Incoming) => (door === 'browser' && sessionId ? owners.get(sessionId) : undefined);
        const waiting = owned(newest([...added, ...list.waiting]), ownerOf);
        const waitingCount = list.waitingCount + added.length;
        const shown = owned(list.shown, ownerOf);
        return held.current() ? { ...list, shown, waiting, waitingCount } : { ...list, shown: newest([...waiting, ...shown]), waiting: [], waitingCount: 0 };
      });
    };
    const take = (data: string) => {
      const entry: Incoming = JSON.parse(data);
      const { door, sessionId, userId, userName } = entry;
      if (door === 'browser' && sessionId && userId && !owners.has(sessionId)) {
        owners.set(sessionId, { id: userId, name: userName ?? null });
        timer ??= setTimeout(show, STEP_MS);
      }
      if (!fits(entry, wanted)) return;
      arrived.push(entry);
      timer ??= setTimeout(show, STEP_MS);
    };
    const start = async () => {
      // The stream is followed from before the list on, so that nothing falls between the two.
      const before = filtered ? (await page(session.admin, { limit: 1 })).events[0]?.seq : undefined;
      const { events, pagination } = await ask();
      if (gone.signal.aborted) return;
      setList({ ...NONE, shown: events, cursor: pagination.nextCursor, loaded: true });
      // It is not filtered there: what is passed over is known as passed when it is taken up again.
      await follow({ key: session.key, path: '/api/admin/events/stream', after: before ?? events[0]?.seq ?? 0, take, connected: setConnected, signal: gone.signal });
    };
    setList(NONE);
    setConnected(true);
    start().catch((error: unknown) => gone.signal.aborted || setList((list) => ({ ...list, error: noteRefusal(error) })));
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [session?.key, wanted.outcome, wanted.door, wanted.eventType, turn, resting]);

  return {
    ...list,
    connected,
    busy,
    hasMore: list.cursor !== null && list.shown.length < KEPT_MAX,
    isFull: list.shown.length >= KEPT_MAX,
    retry: () => setTurn((turn) => turn + 1),
    /** Shows what waits. */
    release: () => setList((list) => (list.waiting.length ? { ...list, shown: newest([...list.waiting, ...list.shown]), waiting: [], waitingCount: 0 } : list)),
    /** An entry's receipt told whose it is. */
    claimed: (door: string, messageId: string, owner: Owner) =>
      setList((list) => ({ ...list, shown: owned(list.shown, (entry) => (entry.door === door && entry.messageId === messageId ? owner : undefined)) })),
    /** Adds the next older ones. */
    more: () => {
      if (busy || list.cursor === null) return;
      setBusy(true);
      ask(list.cursor).then(
        ({ events, pagination }) => {
          setBusy(false);
          setList((now) => (now.cursor === list.cursor ? { ...now, shown: newest([...now.shown, ...events]), cursor: pagination.nextCursor } : now));
        },
        (error: unknown) => {
          setBusy(false);
          setList((list) => ({ ...list, error: noteRefusal(error) }));
        },
      );
    },
  };
}
