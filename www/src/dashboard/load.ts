// Loads from the API what a page shows: once, again when a dependency changes, and page by page.
// Late answers to older requests are dropped.

import { useEffect, useRef, useState } from 'preact/hooks';
import { type Admin } from '../api';
import { signOutIfRevoked, signedIn } from './session';

export interface Loaded<T> {
  /** The newest answer. It stays during a reload, so that nothing on the page jumps. */
  data: T | undefined;
  error: unknown;
  busy: boolean;
  reload: () => void;
  /** Replaces the data with what the viewer just changed. */
  set: (data: T) => void;
}

/** Runs `request` on mount and whenever `deps` change. */
export function useLoad<T>(request: (admin: Admin, signal: AbortSignal) => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; busy: boolean }>({ busy: true });
  const [version, setVersion] = useState(0);
  const session = signedIn.value;
  useEffect(() => {
    if (!session) return;
    const abort = new AbortController();
    setState(({ data }) => ({ data, busy: true }) as typeof state);
    request(session.admin, abort.signal).then(
      (data) => abort.signal.aborted || setState({ data, busy: false }),
      (error: unknown) =>
        abort.signal.aborted ||
        setState(({ data }) => ({ data, error: signOutIfRevoked(error), busy: false }) as typeof state),
    );
    return () => abort.abort();
  }, [session?.key, version, ...deps]);
  return {
    data: state.data,
    error: state.error,
    busy: state.busy,
    reload: () => setVersion((version) => version + 1),
    set: (data) => setState({ data, busy: false }),
  };
}

export interface Pages<Item, Answer> {
  items: Item[];
  /** The answer of the first page, with totals and the like. */
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

/**
 * Reads a list by its cursor: the first page on mount and whenever `deps` change, the next ones by
 * `more`.
 */
export function usePages<Item, Answer extends Paged>(
  request: (admin: Admin, cursor: string | undefined) => Promise<Answer>,
  items: (answer: Answer) => Item[],
  deps: unknown[],
): Pages<Item, Answer> {
  const [rest, setRest] = useState<Answer[]>([]);
  const [state, setState] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const loaded = useLoad((admin) => request(admin, undefined), deps);
  // Later pages belong to their first page: a new first page discards them.
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
      request(session.admin, cursor).then(
        (answer) => {
          if (walk.current === of) setRest((rest) => [...rest, answer]);
          setState({ busy: false });
        },
        (error: unknown) => setState({ busy: false, error: signOutIfRevoked(error) }),
      );
    },
  };
}

export interface Task {
  busy: boolean;
  error: unknown;
  /** Runs the step unless one is running. Resolves to whether it succeeded. */
  run: (step: (admin: Admin) => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

/** Runs one action of the viewer at a time. Tells whether it is running, and what went wrong. */
export function useTask(): Task {
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
        setState({ busy: false, error: signOutIfRevoked(error) });
        return false;
      }
    },
  };
}
