// localStorage, which may be closed (privacy settings, sandboxed frames) or full, and locks that
// tell which page owns a queue in it.

const PREFIX = 'trackmate.';

/** The result of `run`, or undefined if it throws. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

export const get = (key: string) => attempt(() => localStorage.getItem(PREFIX + key)) ?? '';
export const remove = (key: string) => attempt(() => localStorage.removeItem(PREFIX + key));
/** → True if the value is stored. */
export const set = (key: string, value: string) => attempt(() => (localStorage.setItem(PREFIX + key, value), true));

/** The keys with this prefix, without it. */
export const keysUnder = (prefix: string) =>
  (attempt(() => Object.getOwnPropertyNames(localStorage)) ?? [])
    .filter((key) => key.startsWith(PREFIX + prefix))
    .map((key) => key.slice(PREFIX.length + prefix.length));

/** Without Web Locks, a page writes a heartbeat this often … */
const HEARTBEAT_MS = 20_000;
/**
 * … and counts as closed after this time without one. Browsers run the timers of a hidden page once
 * a minute.
 */
const SILENCE_MS = 90_000;
/**
 * Two pages may claim the same queue at the same time. After this time the one that wrote last has
 * it.
 */
const CONTEST_MS = 300;

const claims = new Map<string, () => void>();

/**
 * Claims the queue of the page `owner` until `release`, unless another page has it. A claim is a
 * Web Lock, which the browser releases when the page ends. Where there are none (http://), it is a
 * heartbeat in localStorage.
 */
export function claim(owner: string, self: string, won: () => void, lost = () => {}) {
  const name = PREFIX + owner;
  if (navigator.locks) {
    const granted = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return lost();
      return new Promise<void>((release) => {
        claims.set(owner, release);
        won();
      });
    });
    // Browsers refuse locks to a sandboxed frame, which shares its storage with no other page.
    granted.catch(() => {});
    return;
  }
  const key = `beat.${owner}`;
  const [time = '', by] = get(key).split(' ');
  if (by !== self && Math.abs(Date.now() - Number(time)) < SILENCE_MS) return lost();
  const beat = () => set(key, `${Date.now()} ${self}`);
  const begin = () => {
    if (get(key).split(' ')[1] !== self) return lost();
    const timer = setInterval(beat, HEARTBEAT_MS);
    claims.set(owner, () => {
      clearInterval(timer);
      remove(key);
    });
    won();
  };
  if (!beat() || owner === self) begin();
  else setTimeout(begin, CONTEST_MS);
}

/** Releases all claims. → The pages whose queues they were. */
export function release(): string[] {
  const owners = [...claims.keys()];
  for (const end of claims.values()) end();
  claims.clear();
  return owners;
}

export const owns = (owner: string) => claims.has(owner);
