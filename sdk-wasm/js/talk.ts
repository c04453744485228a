// What the SDK was told by the page that started it, and what it tells that page and its console.

import type { Events, InitOptions } from './trackmate';

export let settings: InitOptions = {};
export const configure = (options: InitOptions) => void (settings = options);

const listeners: { [Name in keyof Events]?: Set<(detail: Events[Name]) => void> } = {};

export function on(name: string, fn: unknown) {
  const all = ((listeners as Record<string, Set<unknown>>)[name] ??= new Set());
  all.add(fn);
  return () => void all.delete(fn);
}

export const say = (...words: unknown[]) => settings.debug && console.debug('TrackMate:', ...words);
export const warn = (problem: unknown) => console.warn(`TrackMate: ${problem instanceof Error ? problem.message : String(problem)}`);

/** Later, so that a listener may call the SDK. */
export function emit<Name extends keyof Events>(name: Name, detail: Events[Name]) {
  say(name, detail);
  for (const fn of listeners[name] ?? []) setTimeout(fn, 0, detail);
}

export function lose(code: string, message: string, lost = 1) {
  warn(`${message} (${code})`);
  emit('error', { code, message, calls: lost });
}
