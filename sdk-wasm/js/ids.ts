// Random names: of visitors, sessions and pages.

/** 32 hexadecimal digits. Pages without TLS have no `randomUUID`, which has its random numbers at hand when a page begins. */
export const randomHex = (): string =>
  crypto.randomUUID?.().split('-').join('') ??
  // Old libraries have an `Array.from` of their own.
  [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, '0')).join('');
/** A page's name, which tells its age, whatever year the clock believes in. */
export const createPageId = () => String(Date.now()).padStart(13, '0') + randomHex().slice(16);
export const ageOf = (owner: string) => Date.now() - Number(owner.slice(0, 13));
