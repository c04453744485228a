// Asking the API for what a page shows: once, again when what it depends on changes, and page by page. What an older question answers late is dropped.

import { useEffect, useRef, useState } from 'preact/hooks';
import { type Admin } from '../api';
import { noteRefusal, signedIn } from './session';

export interface Loaded<T> {
  /** The newest answer; stays while it is asked again, so that nothing jumps. */
  data: T | undefined;
  error: unknown;
  busy: boolean;
  reload: () => void;
  /** Puts in place what the viewer just changed. */
  set: (data: T) => void;
}

/** Runs `ask` at once and whenever `deps` change. */
export function useLoad<T>(ask: (admin: Admin, signal: AbortSignal) => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; busy: boolean }>({ busy: true });
  const [turn, setTurn] = useState(0);
  const session = signedIn.value;
  useEffect(() => {
    if (!session) return;
    const gone = new AbortController();
    setState(({ data }) => ({ data, busy: true }) as typeof state);
    ask(session.admin, gone.signal).then(
      (data) => gone.signal.aborted || setState({ data, busy: false }),
      (error: unknown) => gone.signal.aborted || setState(({ data }) => ({ data, error: noteRefusal(error), busy: false }) as typeof state),
    );
    return () => gone.abort();
  }, [session?.key, turn, ...deps]);
  return { data: state.data, error: state.error, busy: state.busy, reload: () => setTurn((turn) => turn + 1), set: (data) => setState({ data, busy: false }) };
}

export interface Pages<Item, Answer> {
  items: Item[];
  /** The first page's answer: totals and the like. */
  first: Answer | undefined;
  error: unknown;
  busy: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
}

interface Paged {
  pagination: { hasMore: boolean; nextCursor: string | null };
}

/** Walks a list by its cursor: the first page at once and whenever `deps` change, the next ones by `more`. */
export function usePages<Item, Answer extends Paged>(
  ask: (admin: Admin, cursor: string | undefined) => Promise<Answer>,
  items: (answer: Answer) => Item[],
  deps: unknown[],
): Pages<Item, Answer> {
  const [rest, setRest] = useState<Answer[]>([]);
  const [state, setState] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const loaded = useLoad((admin) => ask(admin, undefined), deps);
  // The pages behind a first page belong to it alone.
  const walk = useRef(loaded.data);
  if (walk.current !== loaded.data) {
    walk.current = loaded.data;
    if (rest.length) setRest([]);
  }
  const pages = loaded.data ? [loaded.data, ...(walk.current === loaded.data ? rest : [])] : [];
  const last = pages.at(-1);
  return {
    items: pages.flatMap(items),
    first: loaded.data,
    error: loaded.error ?? state.error,
    busy: loaded.busy || state.busy,
    hasMore: last?.pagination.hasMore ?? false,
    reload: loaded.reload,
    more: () => {
      const session = signedIn.value;
      const cursor = last?.pagination.nextCursor;
      const of = loaded.data;
      if (!session || !cursor || state.busy) return;
      setState({ busy: true });
      ask(session.admin, cursor).then(
        (answer) => {
          if (walk.current === of) setRest((rest) => [...rest, answer]);
          setState({ busy: false });
        },
        (error: unknown) => setState({ busy: false, error: noteRefusal(error) }),
      );
    },
  };
}

export interface Doing {
  busy: boolean;
  error: unknown;
  /** Runs the step unless one is under way → whether it went well. */
  run: (step: (admin: Admin) => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

/** One thing the viewer does at a time: whether it is under way, and what went wrong. */
export function useDoing(): Doing {
  const [state, setState] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  return {
    busy: state.busy,
    error: state.error,
    clear: () => setState({ busy: false }),
    run: async (step) => {
      const session = signedIn.value;
      if (state.busy || !session) return false;
      setState({ busy: true });
      try {
        await step(session.admin);
        setState({ busy: false });
        return true;
      } catch (error) {
        setState({ busy: false, error: noteRefusal(error) });
        return false;
      }
    },
  };
}
