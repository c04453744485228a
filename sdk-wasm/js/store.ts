// localStorage, which may be closed (privacy settings, sandboxed frames) or full, and the question which page owns what is in it.

const PREFIX = 'trackmate.';

/** Runs something that a browser may refuse; refused, it is undefined. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

export const get = (key: string) => attempt(() => localStorage.getItem(PREFIX + key)) ?? '';
export const remove = (key: string) => attempt(() => localStorage.removeItem(PREFIX + key));
export const set = (key: string, value: string) => (attempt(() => (localStorage.setItem(PREFIX + key, value), 1)) ? 1 : 0);

/** The keys under a prefix, without it. */
export const keysUnder = (prefix: string) =>
  (attempt(() => Object.getOwnPropertyNames(localStorage)) ?? [])
    .filter((key) => key.startsWith(PREFIX + prefix))
    .map((key) => key.slice(PREFIX.length + prefix.length));

/** Without Web Locks: a page says this often that it lives … */
const HEARTBEAT_MS = 20_000;
/** … and is taken for dead after this silence. Browsers let a hidden page's timers run once a minute. */
const SILENCE_MS = 90_000;
/** Two pages that find the same dead one at the same time see after this long who wrote last. */
const CONTEST_MS = 300;

const claims = new Map<string, () => void>();

/**
 * Takes the ownership of what `owner` left, if nobody has it, and keeps it until `release`. Ownership is a Web Lock: the browser
 * itself ends it with the page. Where there are none (http://), a note with a time.
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
    // A sandboxed frame is refused, and shares nothing with anybody.
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

/** Gives all of it up: the page is going. → Whose. */
export function release(): string[] {
  const owners = [...claims.keys()];
  for (const end of claims.values()) end();
  claims.clear();
  return owners;
}

export const owns = (owner: string) => claims.has(owner);
