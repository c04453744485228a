// Calls that a page made before there was anything to make them. If it goes before that, the stub, or the SDK that has yet to load its
// fallback, leaves them in localStorage for the next page of the site: one a tab apart from the next, `[[company, page, [call]]]`.

/** A call: name, time, arguments, who awaits it, and where it was made: the address, or all that was known of the page. */
export type Early<Page> = [name: string, at: number, args: unknown[], resolve?: ((value: unknown) => void) | null, page?: Page];

export const EARLY = 'trackmate.early';
/** Most that waits. */
export const enum Most {
  /** Calls in memory, as in the queue. */
  CALLS = 1_000,
  /** Characters of those that are left, as in the queue: the rest of the storage is the site's. The oldest give way. */
  CHARS = 1_000_000,
}
