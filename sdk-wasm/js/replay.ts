// Calls from the page to the core: at once where it is there, else they wait, here or for the next page of the site.

import { methods } from './calls';
import { type Early, Most } from './early';
import { ASYNC_METHODS, codedError, safely } from './errors';
import { ready } from './instance';
import { json } from './json';
import { type PageFacts, titleNow, isRepeatedView, currentPage } from './page';
import { takeDeferred } from './schedule';
import { company, settings } from './settings';
import { attempt, get, remove, set } from './store';
import { reportLost } from './events';
import { browserRefuses } from './visitor';

/** What becomes an event, and may wait a moment. */
const EVENT_METHODS = ['trackPageView', 'track', 'group', 'alias'];

export const earlyCalls: Early<PageFacts>[] = [];
/** Whether `init` was called once more in this task: by a second snippet, or one that runs again, whose view may have been made. */
let initRepeated = false;
export function ignoreRepeatedView() {
  initRepeated = true;
  queueMicrotask(() => (initRepeated = false));
}

/** What is left out is null as JSON. */
function perform(name: string, at: number, page: PageFacts, args: unknown[]): unknown {
  if (!EVENT_METHODS.includes(name)) takeDeferred();
  return methods[name]!(at, page, ...args.map((arg) => arg ?? undefined));
}

/** Makes a call, now or when the core is there. */
export function callOrQueue(name: string, args: unknown[], at: number, from?: PageFacts): unknown {
  if (name === 'trackPageView' && isRepeatedView(from?.url) && initRepeated) return;
  const page = from ?? currentPage();
  // A copy: the page may go on changing what it passed.
  const given: unknown[] = JSON.parse(json(args));
  if (ready) return perform(name, at, page, given);
  if (earlyCalls.length >= Most.CALLS) throw codedError('dropped', 'the call was dropped');
  const entry: Early<PageFacts> = [name, at, given, undefined, page];
  earlyCalls.push(entry);
  return ASYNC_METHODS.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
}

let previousName = '';
let lastViewPlace: unknown;
/** Makes the calls that waited here, or (then with what that page was) were left by an earlier page. */
export function replay(entries: Early<PageFacts | string>[], of?: PageFacts) {
  for (; entries[0]; entries.shift()) {
    const [name, at, args, resolve, place] = entries[0];
    // An `init` that was left is a second snippet's.
    const twice = previousName === 'init' && name === 'trackPageView' && lastViewPlace === place;
    if (name === 'trackPageView') lastViewPlace = place;
    previousName = name;
    if (twice || !methods[name]) continue;
    const page = place && typeof place === 'object' ? place : { ...of!, url: place ?? of!.url };
    // It may have been too early for a title.
    if (!of) page.title ||= titleNow();
    const value = safely(name, () => perform(name, at, page, args));
    resolve?.(value);
  }
}

/** What still waits for the core would be lost: leave it as the stub leaves its own, for the next page. */
export function saveEarlyCalls() {
  if (earlyCalls.length && company && !settings.consent && !browserRefuses()) {
    const lines = earlyCalls.splice(0).map((call) => json([[company, {}, [call]]]));
    set('early', [get('early'), ...lines].join('\t').slice(-Most.CHARS));
  }
}

/** Makes what earlier pages left so, and what waited here. */
export function replayAll() {
  // Asked for first: an exception is dear on a page that has just begun.
  const saved = get('early');
  if (saved) {
    remove('early');
    for (const line of saved.split('\t').filter(Boolean)) {
      const calls = attempt(() => JSON.parse(line) as [string, PageFacts, Early<PageFacts>[]][]);
      if (!calls) reportLost('dropped', 'the call was dropped');
      for (const [of, page, entries] of calls ?? []) if (of === company) replay(entries, page);
    }
  }
  replay(earlyCalls);
}
