// What is thrown, and where it ends: nothing of it reaches the page.

import { reportLost } from './events';

/** What is waited for, and so returns a promise at once. */
export const ASYNC_METHODS = ['identify', 'flush'];
/** What calls say on a server, where nothing happens. */
export const SERVER_RESULTS: Record<string, () => unknown> = {
  identify: async () => ({ profileId: '' }),
  flush: async () => true,
  getSessionId: () => '',
  getAnonymousId: () => '',
  on: () => () => {},
};
/** By `core::Taken`, from 2 on, and `core::End`, from 2 on. */
export const LOSS_CODES = ['dropped', 'withheld', 'too_large', 'bad_name'];

export const codedError = (code: string, message: string) => Object.assign(new Error(message), { code });

/** Whatever is thrown is ours to say, and none of the page's. */
export function safely(name: string, run: () => unknown): unknown {
  let value;
  try {
    value = run();
  } catch (error) {
    const { code = 'invalid', message = String(error) } = Object(error);
    if (ASYNC_METHODS.includes(name)) value = Promise.reject(codedError(code, message));
    // A visitor who does not agree is no fault.
    else if (code !== 'withheld') reportLost(code, message);
  }
  // Nobody need await it.
  if (value instanceof Promise) value.catch(() => {});
  return value ?? SERVER_RESULTS[name]?.();
}
