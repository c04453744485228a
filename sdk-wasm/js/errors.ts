// What happens to exceptions: none of them reaches the page.

import { reportLost } from './events';

/** Methods that return a promise. */
export const ASYNC_METHODS = ['identify', 'flush'];
/** What each method returns on a server, where the SDK does nothing. */
export const SERVER_RESULTS: Record<string, () => unknown> = {
  identify: async () => ({ profileId: '' }),
  flush: async () => true,
  getSessionId: () => '',
  getAnonymousId: () => '',
  on: () => () => {},
};
/**
 * Codes of `core::Outcome` from 2 on. `core::TrackResult` has the same codes, from 2 on, without
 * the first.
 */
export const LOSS_CODES = ['dropped', 'withheld', 'too_large', 'bad_name'];

export const codedError = (code: string, message: string) => Object.assign(new Error(message), { code });

/** Runs a method of the API. An exception becomes a rejected promise or an `error` event. */
export function safely(name: string, run: () => unknown): unknown {
  let value;
  try {
    value = run();
  } catch (error) {
    const { code = 'invalid', message = String(error) } = Object(error);
    if (ASYNC_METHODS.includes(name)) value = Promise.reject(codedError(code, message));
    // A visitor who does not consent is not an error.
    else if (code !== 'withheld') reportLost(code, message);
  }
  // A page that does not await the promise must not get an unhandled rejection.
  if (value instanceof Promise) value.catch(() => {});
  return value ?? SERVER_RESULTS[name]?.();
}
