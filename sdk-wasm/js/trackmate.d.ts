// The public interface of TrackMate's browser SDK, written by hand: what is not here is not
// promised. A test compares the built files with it.

/** Options of `init`. */
export interface InitOptions {
  /**
   * Number of waiting events that are sent without further waiting, at most once a second. Default
   * 20, at most 500.
   */
  batchSize?: number;
  /**
   * Longest time that an event waits for others before it is sent, in milliseconds. Default 5000.
   */
  flushInterval?: number;
  /**
   * The path of the API below `apiUrl`, for example a neutral path of your own site. Default
   * `/api`.
   */
  path?: string;
  /**
   * What the visitor has agreed to so far. Default `granted`. With `pending`, events wait in memory
   * and nothing is stored or sent before `consent('granted')`. With `denied`, they are dropped.
   */
  consent?: Consent;
  /** Whether Global Privacy Control means `denied`, whatever `consent` is. Default true. */
  respectGpc?: boolean;
  /** Whether Do Not Track means `denied` too. Default false. */
  respectDnt?: boolean;
  /**
   * Tracks page views automatically: the first, and one for each new path of a single-page site.
   * Default false.
   */
  pageViews?: boolean;
  /** Starts a new session when the visitor arrives by another campaign (`utm_…`). Default false. */
  sessionPerCampaign?: boolean;
  /**
   * Lets the API store the anonymous id in a cookie, which some browsers keep longer than the
   * storage of scripts. It needs an API on the page's own origin. Default false.
   */
  cookie?: boolean;
  /** Writes every decision to the console. Default false. */
  debug?: boolean;
}

/** A visitor's decision. */
export type Consent = 'granted' | 'denied' | 'pending';

/** Options of one call. */
export interface CallOptions {
  /** When it happened, if not now: ISO 8601, a Date, or milliseconds since the epoch. */
  timestamp?: string | number | Date;
  /**
   * The id by which the server recognises a repeat of this call, 1 to 128 bytes. Default: a new id.
   */
  messageId?: string;
}

/** What is known about a person. `null` and missing members change nothing. */
export interface Traits {
  email?: string;
  name?: string;
  /**
   * Proof that your server knows this person (identity verification): the hex HMAC-SHA256 of the
   * address with the identity secret. It is never a trait.
   */
  userHash?: string;
  [trait: string]: unknown;
}

/**
 * Why an identify failed. `code` is the server's problem code, or `too_large`, `dropped` (newer
 * calls took its place), `withheld` (the visitor does not consent), `invalid` (JSON cannot
 * represent it), or `unreachable` (it is stored, and sent when TrackMate can be reached again).
 */
export interface IdentifyError extends Error {
  code: string;
}

/** Calls that were lost, and why. */
export interface Loss {
  /**
   * The server's problem code, or `bad_name`, `too_large`, `dropped`, `withheld`, `invalid`,
   * `unavailable`.
   */
  code: string;
  /** An explanation for developers. */
  message: string;
  /** Number of calls. */
  calls: number;
}

/** Events for `on`. */
export interface Events {
  /** Calls were lost for good. */
  error: Loss;
  /** The server has accepted calls. */
  delivered: { calls: number };
  /**
   * A session has started: the `first`, one after silence or at the greatest age (`ended`), one by
   * another `campaign`, or one by `reset`.
   */
  session: { sessionId: string; reason: 'first' | 'ended' | 'campaign' | 'reset' };
}

/**
 * The SDK, of which a page has one. Its methods never throw into the page. On a server and in a
 * worker they do nothing.
 */
export interface TrackMate {
  /**
   * Starts the SDK for this company and API. Calls made before it wait for it. A second `init` is
   * ignored with a warning, and so is a `trackPageView` of the same path in the same task, because
   * both belong to a second snippet.
   */
  init(companyId: string, apiUrl: string, options?: InitOptions): void;
  /**
   * Tracks `page_view` with `{address, title, referrer, path}` of the current page. Long values are
   * cut.
   */
  trackPageView(): void;
  /** Tracks an event. `data` is copied as JSON at once; a BigInt becomes its digits. */
  track(name: string, data?: object, options?: CallOptions): void;
  /**
   * Identifies the visitor. It is sent at once, after the events before it. Rejects with an
   * `IdentifyError`. `profileId` is empty on a server, and if the request is stored later because
   * TrackMate's database is down.
   */
  identify(traits: Traits, options?: CallOptions): Promise<{ profileId: string }>;
  /** Tracks `group`: the visitor belongs to this group. */
  group(groupId: string, traits?: object, options?: CallOptions): void;
  /** Tracks `alias`: the visitor is known elsewhere by this id. */
  alias(userId: string, options?: CallOptions): void;
  /**
   * Starts a new session and forgets the anonymous id, unless `keepAnonymousId`. Call it on
   * sign-out.
   */
  reset(options?: { keepAnonymousId?: boolean }): void;
  /**
   * Sends what waits. Resolves to true when all of it is done, and to false when an attempt failed
   * or none can be made now. Then the calls stay in the queue.
   */
  flush(): Promise<boolean>;
  /**
   * The current session's id, `session_<unix s>_<random>`. It is empty on a server, and until a
   * fallback build is loaded.
   */
  getSessionId(): string;
  /** The id of this browser, which stays the same over sessions. */
  getAnonymousId(): string;
  /** Sets the visitor's decision. It is not stored: set it on every page. */
  consent(decision: Consent): void;
  /** Calls `fn` at each event of this name. → A function that removes it. */
  on<Name extends keyof Events>(event: Name, fn: (detail: Events[Name]) => void): () => void;
}

declare const TrackMate: TrackMate;
export default TrackMate;

declare global {
  interface Window {
    /** Defined by the classic script, and before it by the loader stub. */
    TrackMate?: TrackMate;
  }
}
