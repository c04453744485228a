// The object that pages call. It is there at once; each call takes its time and a copy of its data, and goes to the engine
// (the wasm) as soon as that is loaded, in the order of the calls. It never throws into the page.

import type { CallOptions, InitOptions, TrackMate, Traits } from './trackmate';
import { earlySession, nextSession, sessionId } from './early';

/** What the wasm offers: `Engine` of `src/lib.rs`. */
export interface Engine {
  init(companyId: string, apiUrl: string, options: InitOptions | undefined, at: number): void;
  track(name: string, data: string, options: Stamped, at: number): void;
  identify(traits: string, options: Stamped, at: number): Promise<{ profileId: string }>;
  getSessionId(at: number): string;
  reset(session: string | undefined, at: number): void;
  flush(at: number): Promise<boolean>;
}

interface Stamped {
  timestamp: string | undefined;
  messageId: string | undefined;
}

/** Fields of identify's request that are not traits. */
const RESERVED = ['company_id', 'sessionId', 'timestamp', 'messageId', 'sentAt'];

export function shell(load: (session: () => string | undefined) => Promise<Engine>): TrackMate {
  let engine: Engine | undefined;
  let failure: Error | undefined;
  let waiting: { settle(engine: Engine): void; reject(failure: Error): void }[] | undefined;

  /** Runs `run` with the engine, now or when it is there; the first call loads it. */
  function withEngine<T>(run: (engine: Engine) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (ready: Engine) => {
        try {
          resolve(run(ready));
        } catch (error) {
          reject(error);
        }
      };
      if (engine) return settle(engine);
      if (failure) return reject(failure);
      if (waiting) return void waiting.push({ settle, reject });
      waiting = [{ settle, reject }];
      void begin(waiting);
    });
  }

  async function begin(queue: NonNullable<typeof waiting>) {
    try {
      const loaded = await load(earlySession);
      engine = loaded;
      queue.forEach(({ settle }) => settle(loaded));
    } catch (cause) {
      const unavailable = Object.assign(new Error(`the SDK could not be loaded: ${cause}`), { code: 'unavailable' });
      failure = unavailable;
      queue.forEach(({ reject }) => reject(unavailable));
    }
  }

  const later = (run: (engine: Engine) => void) => void withEngine(run).catch(warn);
  const track = (name: string, data?: object, options?: CallOptions) => {
    const at = Date.now();
    try {
      const [json, stamped] = [JSON.stringify(data ?? {}), stamp(options)];
      later((ready) => ready.track(String(name), json, stamped, at));
    } catch (error) {
      warn(error);
    }
  };

  return {
    init(companyId, apiUrl, options) {
      const at = Date.now();
      later((ready) => ready.init(String(companyId), String(apiUrl), options, at));
    },
    trackPageView() {
      const { href, pathname } = location;
      track('page_view', { address: href, title: document.title, referrer: document.referrer, path: pathname });
    },
    track,
    async identify(traits, options) {
      const at = Date.now();
      const [json, stamped] = [JSON.stringify(withoutReserved(traits)), stamp(options)];
      return withEngine((ready) => ready.identify(json, stamped, at));
    },
    getSessionId() {
      const now = Date.now();
      return engine ? engine.getSessionId(now) : sessionId(now);
    },
    reset() {
      const at = Date.now();
      const session = engine ? undefined : nextSession(at);
      later((ready) => ready.reset(session, at));
    },
    flush() {
      const at = Date.now();
      return withEngine((ready) => ready.flush(at));
    },
  };
}

function withoutReserved(traits: Traits): Traits {
  return Object.fromEntries(Object.entries(traits).filter(([name]) => !RESERVED.includes(name)));
}

/** A time that cannot be read is no reason to lose the call: it then happened when it was made. */
function stamp(options: CallOptions = {}): Stamped {
  const { timestamp, messageId } = options;
  const time = timestamp === undefined ? undefined : new Date(timestamp);
  const readable = time && !Number.isNaN(time.getTime());
  if (time && !readable) warn(`not a time: ${String(timestamp)}`);
  return { timestamp: readable ? time.toISOString() : undefined, messageId: messageId === undefined ? undefined : String(messageId) };
}

function warn(problem: unknown) {
  console.warn(`TrackMate: ${problem instanceof Error ? problem.message : String(problem)}`);
}
