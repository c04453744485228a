// What the SDK tells the page and its console.

import { settings } from './settings';
import { attempt } from './store';
import type { Events } from './trackmate';

const listeners: { [Name in keyof Events]?: Set<(detail: Events[Name]) => void> } = {};

export function on(name: string, fn: unknown) {
  const all = ((listeners as Record<string, Set<unknown>>)[name] ??= new Set());
  all.add(fn);
  return () => void all.delete(fn);
}

// Pages have consoles of their own, without these.
export const debug = (...words: unknown[]) => settings.debug && attempt(() => console.debug('TrackMate:', ...words));
export const warn = (problem: any) => attempt(() => console.warn(`TrackMate: ${problem?.message ?? problem}`));

/** The same, and what it throws is said and stays here: nobody else can mend it. */
export const guard =
  <Args extends unknown[]>(run: (...args: Args) => unknown) =>
  (...args: Args) => {
    try {
      run(...args);
    } catch (error) {
      warn(error);
    }
  };

/** Where there is such a target: pages have things of their own under any name. */
export const listen = (target: unknown, name: string, run: (event: any) => unknown) =>
  attempt(() => (target as EventTarget).addEventListener(name, guard(run)));

/** Later, so that a listener may call the SDK. */
export function emit<Name extends keyof Events>(name: Name, detail: Events[Name]) {
  debug(name, detail);
  for (const fn of listeners[name] ?? []) setTimeout(fn, 0, detail);
}

export function reportLost(code: string, message: string, lost = 1) {
  warn(`${message} (${code})`);
  emit('error', { code, message, calls: lost });
}
