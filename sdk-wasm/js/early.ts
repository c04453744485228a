// The session before the wasm is there: a page may ask for its id in its first line. Same key, form and limits as
// `src/session.rs`, which takes over as soon as it can; a browser test holds the two together.

const KEY = 'trackmate.session';
const IDLE_MS = 30 * 60_000;
const AGE_MAX_MS = 24 * 60 * 60_000;

let first: string | undefined;
let chosen: string | undefined;

/** The stored form of the session that this page began with, if it was asked for before the engine was there. */
export const earlySession = (): string | undefined => first;

/** Says the id of the session that goes on, or of a new one. */
export function sessionId(now: number): string {
  const stored = chosen ?? read() ?? '';
  const [, started, last] = /^session_(\d+)_[0-9a-f]{32} (\d+)$/.exec(stored) ?? [];
  const within = (then: number, limit: number) => Math.abs(now - then) < limit;
  const goesOn = within(Number(started) * 1000, AGE_MAX_MS) && within(Number(last), IDLE_MS);
  chosen = goesOn ? stored : fresh(now);
  if (!first) store((first = chosen));
  return chosen.split(' ')[0] ?? chosen;
}

/**
 * Chooses another session and says its stored form. It is not stored yet: calls that wait for the engine belong to the one
 * before, which the engine reads from storage when it takes them.
 */
export function nextSession(now: number): string {
  sessionId(now);
  return (chosen = fresh(now));
}

function fresh(now: number): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0'));
  return `session_${Math.floor(now / 1000)}_${random.join('')} ${now}`;
}

function store(session: string) {
  try {
    localStorage.setItem(KEY, session);
  } catch {
    // Storage is closed: the session lives as long as the page.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
