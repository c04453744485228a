// The public surface of TrackMate's browser SDK, written by hand: what is not here is not promised.

export interface InitOptions {
  /** Longest time an event waits for company before it is sent, in milliseconds. Default 1000. */
  flushInterval?: number;
  /** Number of waiting events that are sent without further waiting. Default 20. */
  batchSize?: number;
}

export interface CallOptions {
  /** When it happened, if not now: ISO 8601, a Date, or milliseconds since the epoch. */
  timestamp?: string | number | Date;
  /** What makes a repeat of this call recognisable. Default: a fresh UUID. */
  messageId?: string;
}

export interface Traits {
  email?: string;
  name?: string;
  [trait: string]: unknown;
}

/** Why an identify failed: `code` is the server's problem code, or `invalid`, `dropped`, `unreachable`, `unavailable`. */
export interface IdentifyError extends Error {
  code: string;
}

export interface TrackMate {
  /** Says whose events these are and where they go. Calls made before it are held until it comes. */
  init(companyId: string, apiUrl: string, options?: InitOptions): void;
  /** Tracks `page_view` with `{address, title, referrer, path}` of the page as it is now. */
  trackPageView(): void;
  /** Tracks something that happened. `data` is copied as JSON at once. */
  track(name: string, data?: object, options?: CallOptions): void;
  /**
   * Says who the visitor is; sent at once, behind the events before it. Rejects with an `IdentifyError`; with the code
   * `unreachable` the call is kept all the same and sent when TrackMate can be reached again.
   */
  identify(traits: Traits, options?: CallOptions): Promise<{ profileId: string }>;
  /** The current session's id, `session_<unix s>_<random>`; right from the first line of the page. */
  getSessionId(): string;
  /** Begins a new session, as after a sign-out. */
  reset(): void;
  /** Sends what waits. Resolves to true when all of it is done, to false when a try failed (it stays queued). */
  flush(): Promise<boolean>;
}

declare const TrackMate: TrackMate;
export default TrackMate;

declare global {
  interface Window {
    /** Defined by `snippet.js`. */
    TrackMate?: TrackMate;
  }
}
