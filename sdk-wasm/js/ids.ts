// Random ids of visitors, sessions and pages.

/**
 * 32 hexadecimal digits. `randomUUID` is used where it exists, because it is faster when a page has
 * just started. Pages without TLS do not have it.
 */
export const randomHex = (): string =>
  crypto.randomUUID?.().split('-').join('') ??
  // Old libraries replace `Array.from`, so a spread does the work.
  [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, '0')).join('');
/** A page's id starts with 13 digits of its time, so that others can read its age. */
export const createPageId = () => String(Date.now()).padStart(13, '0') + randomHex().slice(16);
export const ageOf = (pageId: string) => Date.now() - Number(pageId.slice(0, 13));
