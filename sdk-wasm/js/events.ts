// What the SDK reports: events to listeners, warnings and debug lines to the console.

import { settings } from './settings';
import { attempt } from './store';
import type { Events } from './trackmate';

const listeners: { [Name in keyof Events]?: Set<(detail: Events[Name]) => void> } = {};

export function on(name: string, fn: unknown) {
  const all = ((listeners as Record<string, Set<unknown>>)[name] ??= new Set());
  all.add(fn);
  return () => void all.delete(fn);
}

// Some pages replace `console` with an object that has no `debug` or `warn`.
export const debug = (...words: unknown[]) => settings.debug && attempt(() => console.debug('TrackMate:', ...words));
export const warn = (problem: any) => attempt(() => console.warn(`TrackMate: ${problem?.message ?? problem}`));

/** The same function, but an exception becomes a warning, because no caller could handle it. */
export const guard =
  <Args extends unknown[]>(run: (...args: Args) => unknown) =>
  (...args: Args) => {
    try {
      run(...args);
    } catch (error) {
      warn(error);
    }
  };

/** Adds a listener. `target` may be missing, or an object of the page's under the same name. */
export const listen = (target: unknown, name: string, run: (event: any) => unknown) =>
  attempt(() => (target as EventTarget).addEventListener(name, guard(run)));

/** Calls the listeners in a later task, so that a listener may call the SDK. */
export function emit<Name extends keyof Events>(name: Name, detail: Events[Name]) {
  debug(name, detail);
  for (const fn of listeners[name] ?? []) setTimeout(fn, 0, detail);
}

export function reportLost(code: string, message: string, lost = 1) {
  warn(`${message} (${code})`);
  emit('error', { code, message, calls: lost });
}
