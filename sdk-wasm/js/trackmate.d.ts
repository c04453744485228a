// The public surface of TrackMate's browser SDK, written by hand: what is not here is not promised. A test holds the built
// files against it.

/** What `init` may be told besides the company and the address. */
export interface InitOptions {
  /** Number of waiting events that are sent without further waiting, at most once a second. Default 20, at most 500. */
  batchSize?: number;
  /** Longest time an event waits for company before it is sent, in milliseconds. Default 5000. */
  flushInterval?: number;
  /** Where the API is below the address: a neutral path of your own site, say. Default `/api`. */
  path?: string;
  /**
   * What the visitor has agreed to so far. Default `granted`. With `pending`, events are held in memory and nothing is stored or
   * sent before `consent('granted')`; with `denied` they are dropped.
   */
  consent?: Consent;
  /** Whether Global Privacy Control means no, whatever `consent` says. Default true. */
  respectGpc?: boolean;
  /** Whether Do Not Track means no, too. Default false. */
  respectDnt?: boolean;
  /** Tracks page views by itself: the first, and one for each new path of a single-page site. Default false. */
  pageViews?: boolean;
  /** Begins a new session when the visitor comes by another campaign (`utm_…`). Default false. */
  sessionPerCampaign?: boolean;
  /**
   * Where the API is on the page's own origin: lets its answers keep the anonymous id in a cookie, which outlives what some browsers leave
   * in a script's storage. Default false.
   */
  cookie?: boolean;
  /** Explains every decision in the console. Default false. */
  debug?: boolean;
}

/** What a visitor has decided. */
export type Consent = 'granted' | 'denied' | 'pending';

/** What may be said about one call. */
export interface CallOptions {
  /** When it happened, if not now: ISO 8601, a Date, or milliseconds since the epoch. */
  timestamp?: string | number | Date;
  /** What makes a repeat of this call recognisable, 1 to 128 bytes. Default: a fresh id. */
  messageId?: string;
}

/** What is known about a person. `null` and missing members change nothing. */
export interface Traits {
  email?: string;
  name?: string;
  /** Proof that your server knows who this is (identity verification): the hex HMAC-SHA256 of the address with the identity secret. Never a trait. */
  userHash?: string;
  [trait: string]: unknown;
}

/**
 * Why an identify failed. `code` is the server's problem code, or `too_large`, `dropped` (it gave way to newer calls), `withheld` (the
 * visitor does not agree), `invalid` (JSON cannot say it), `unreachable` (it is kept all the same, and sent when TrackMate can be reached again).
 */
export interface IdentifyError extends Error {
  code: string;
}

/** Something that was lost, and why. */
export interface Loss {
  /** The server's problem code, or `bad_name`, `too_large`, `dropped`, `withheld`, `invalid`, `unavailable`. */
  code: string;
  /** For a developer. */
  message: string;
  /** How many calls. */
  calls: number;
}

/** What `on` can listen to. */
export interface Events {
  /** Calls were lost for good. */
  error: Loss;
  /** The server has taken calls. */
  delivered: { calls: number };
  /** A session has begun, `first`, after silence or at its greatest age (`ended`), by another `campaign`, or by `reset`. */
  session: { sessionId: string; reason: 'first' | 'ended' | 'campaign' | 'reset' };
}

/** The SDK, one a page. Its methods never throw into the page; on a server and in a worker every one of them does nothing. */
export interface TrackMate {
  /** Says whose events these are and where they go. Calls made before it are held until it comes. A second one is ignored with a
   * warning, and so is a `trackPageView` of the same path in its task: it is a second snippet's. */
  init(companyId: string, apiUrl: string, options?: InitOptions): void;
  /** Tracks `page_view` with `{address, title, referrer, path}` of the page as it is now; what would be too large is cut. */
  trackPageView(): void;
  /** Tracks something that happened. `data` is copied as JSON at once, a BigInt as its digits. */
  track(name: string, data?: object, options?: CallOptions): void;
  /**
   * Says who the visitor is; sent at once, behind the events before it. Rejects with an `IdentifyError`. `profileId` is empty on a server, and where the
   * claim was taken and is stored later, because TrackMate's database is down.
   */
  identify(traits: Traits, options?: CallOptions): Promise<{ profileId: string }>;
  /** Tracks `group`: the visitor belongs to this group. */
  group(groupId: string, traits?: object, options?: CallOptions): void;
  /** Tracks `alias`: the visitor is known elsewhere by this id. */
  alias(userId: string, options?: CallOptions): void;
  /** Begins a new session and forgets the anonymous id (unless asked to keep it), as after a sign-out. */
  reset(options?: { keepAnonymousId?: boolean }): void;
  /** Sends what waits. Resolves to true when all of it is done, to false when a try failed or none can be made now (it stays queued). */
  flush(): Promise<boolean>;
  /** The current session's id, `session_<unix s>_<random>`. Empty on a server, and where a fallback build has yet to be loaded. */
  getSessionId(): string;
  /** The id of this browser, which outlives sessions. */
  getAnonymousId(): string;
  /** Says what the visitor has decided. It is not remembered: say it on every page. */
  consent(decision: Consent): void;
  /** Calls `fn` at each such event. → A function that ends it. */
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
