// Calls from the page to the core: at once where it is there, else they wait, here or for the next page of the site.

import { methods } from './calls';
import { type Early, Most } from './early';
import { AWAITED, failure, safely } from './errors';
import { ready } from './instance';
import { json } from './json';
import { type Facts, titleNow, viewedBefore, where } from './page';
import { settle } from './schedule';
import { company, settings } from './settings';
import { attempt, get, remove, set } from './store';
import { lose } from './talk';
import { refuses } from './visitor';

/** What becomes an event, and may wait a moment. */
const TRACKS = ['trackPageView', 'track', 'group', 'alias'];

export const early: Early<Facts>[] = [];
/** Whether `init` was called once more in this task: by a second snippet, or one that runs again, whose view may have been made. */
let again = false;
export function initAgain() {
  again = true;
  queueMicrotask(() => (again = false));
}

/** What is left out is null as JSON. */
function perform(name: string, at: number, page: Facts, args: unknown[]): unknown {
  if (!TRACKS.includes(name)) settle();
  return methods[name]!(at, page, ...args.map((arg) => arg ?? undefined));
}

/** Makes a call, now or when the core is there. */
export function call(name: string, args: unknown[], at: number, from?: Facts): unknown {
  if (name === 'trackPageView' && viewedBefore(from?.url) && again) return;
  const page = from ?? where();
  // A copy: the page may go on changing what it passed.
  const given: unknown[] = JSON.parse(json(args));
  if (ready) return perform(name, at, page, given);
  if (early.length >= Most.CALLS) throw failure('dropped', 'the call was dropped');
  const entry: Early<Facts> = [name, at, given, undefined, page];
  early.push(entry);
  return AWAITED.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
}

let passed = '';
let seen: unknown;
/** Makes the calls that waited here, or (then with what that page was) were left by an earlier page. */
export function repeat(entries: Early<Facts | string>[], of?: Facts) {
  for (; entries[0]; entries.shift()) {
    const [name, at, args, resolve, place] = entries[0];
    // An `init` that was left is a second snippet's.
    const twice = passed === 'init' && name === 'trackPageView' && seen === place;
    if (name === 'trackPageView') seen = place;
    passed = name;
    if (twice || !methods[name]) continue;
    const page = place && typeof place === 'object' ? place : { ...of!, url: place ?? of!.url };
    // It may have been too early for a title.
    if (!of) page.title ||= titleNow();
    const value = safely(name, () => perform(name, at, page, args));
    resolve?.(value);
  }
}

/** What still waits for the core would be lost: leave it as the stub leaves its own, for the next page. */
export function leaveEarly() {
  if (early.length && company && !settings.consent && !refuses()) {
    const lines = early.splice(0).map((call) => json([[company, {}, [call]]]));
    set('early', [get('early'), ...lines].join('\t').slice(-Most.CHARS));
  }
}

/** Makes what earlier pages left so, and what waited here. */
export function repeatAll() {
  // Asked for first: an exception is dear on a page that has just begun.
  const saved = get('early');
  if (saved) {
    remove('early');
    for (const line of saved.split('\t').filter(Boolean)) {
      const calls = attempt(() => JSON.parse(line) as [string, Facts, Early<Facts>[]][]);
      if (!calls) lose('dropped', 'the call was dropped');
      for (const [of, page, entries] of calls ?? []) if (of === company) repeat(entries, page);
    }
  }
  repeat(early);
}
