// Feedback to the viewer: problems, empty states, loading, badges, progress, and short notices.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { ApiError } from '../../api';
import type { Loaded } from '../load';

type Children = { children?: ComponentChildren };

/** Shows what went wrong, a link to the fix, and the request id for whoever operates TrackMate. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : undefined;
  return (
    <div class="problem" role="alert">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {known && known.status > 0 && (
        <p class="quiet">
          <a href={`/docs/problems/#${known.code}`}>{known.code}</a>
          {known.field && (
            <>
              {' '}
              in <code>{known.field}</code>
            </>
          )}
          {known.requestId && (
            <>
              {' '}
              · request <code>{known.requestId}</code>
            </>
          )}
        </p>
      )}
      {retry && (
        <button type="button" class="secondary" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** An empty list. `children` explain how it gets entries. */
export function Empty({ title, children }: Children & { title: string }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'accent';

export function Badge({ tone = 'quiet', title, children }: Children & { tone?: Tone; title?: string }) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** Shows the loaded data, and before that a loading state or the problem. */
export function Await<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  if (of.data === undefined) return of.error ? <Problem error={of.error} retry={of.reload} /> : <Waiting />;
  return (
    <div aria-busy={of.busy}>
      <Problem error={of.error} retry={of.reload} />
      {children(of.data)}
    </div>
  );
}

export function Waiting({ label = 'Loading' }: { label?: string }) {
  return (
    <p class="waiting" role="status">
      {label}…
    </p>
  );
}

export function Progress({ label, value, max }: { label: string; value?: number; max?: number }) {
  return (
    <label class="progress">
      <span>{label}</span>
      <progress value={max ? value : undefined} max={max || undefined} />
    </label>
  );
}

const notice = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows a short notice that disappears by itself. Screen readers announce it. */
export function notify(text: string) {
  notice.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (notice.value = ''), 6_000);
}

/**
 * Number of open dialogs. Notices move into the dialog, since screen readers ignore what is outside
 * of it.
 */
export const modals = signal(0);

export function Notices({ inDialog = false }: { inDialog?: boolean }) {
  const here = inDialog === modals.value > 0;
  return (
    <div class="notices" role="status" aria-live="polite">
      {here && notice.value && <p>{notice.value}</p>}
    </div>
  );
}
