// The form of calls that a page makes before the SDK is ready. If the page is left before that, the
// stub or the SDK saves them in localStorage for the next page of the site: one for each call,
// separated by tabs, as `[[company, page, [call]]]`.

/**
 * A call: name, time, arguments, the function that resolves its promise, and where it was made: the
 * URL, or all facts of the page.
 */
export type Early<Page> = [
  name: string,
  at: number,
  args: unknown[],
  resolve?: ((value: unknown) => void) | null,
  page?: Page,
];

export const EARLY = 'trackmate.early';
/** Limits of what waits. */
export const enum Most {
  /** Calls in memory: as many as the queue can have. */
  CALLS = 1_000,
  /** Characters in localStorage, of which the site needs the rest. The oldest calls are dropped. */
  CHARS = 1_000_000,
}
