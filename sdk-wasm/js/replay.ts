// Calls that are made before the SDK is ready: they wait in memory, or in localStorage for a later
// page.

import { methods } from './calls';
import { type Early, Most } from './early';
import { ASYNC_METHODS, codedError, safely } from './errors';
import { reportLost } from './events';
import { ready } from './instance';
import { json } from './json';
import { currentPage, isRepeatedView, type PageFacts, titleNow } from './page';
import { takeDeferred } from './schedule';
import { company, settings } from './settings';
import { attempt, get, remove, set } from './store';
import { browserRefuses } from './visitor';

/** Methods that track an event, which may be deferred. */
const EVENT_METHODS = ['trackPageView', 'track', 'group', 'alias'];

export const earlyCalls: Early<PageFacts>[] = [];
/**
 * Whether a second `init` was called in this task. Its snippet tracks a view that may be a repeat.
 */
let initRepeated = false;
export function ignoreRepeatedView() {
  initRepeated = true;
  queueMicrotask(() => (initRepeated = false));
}

function perform(name: string, at: number, page: PageFacts, args: unknown[]): unknown {
  if (!EVENT_METHODS.includes(name)) takeDeferred();
  // JSON has null for an argument that was left out.
  return methods[name]!(at, page, ...args.map((arg) => arg ?? undefined));
}

/** Makes a call now, or queues it until the SDK is ready. */
export function callOrQueue(name: string, args: unknown[], at: number, from?: PageFacts): unknown {
  if (name === 'trackPageView' && isRepeatedView(from?.url) && initRepeated) return;
  const page = from ?? currentPage();
  // A copy, because the page may change the arguments later.
  const given: unknown[] = JSON.parse(json(args));
  if (ready) return perform(name, at, page, given);
  if (earlyCalls.length >= Most.CALLS) throw codedError('dropped', 'the call was dropped');
  const entry: Early<PageFacts> = [name, at, given, undefined, page];
  earlyCalls.push(entry);
  return ASYNC_METHODS.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
}

let previousName = '';
let lastViewPlace: unknown;
/**
 * Replays calls queued before the SDK was ready, on this page or an earlier one. Calls of an
 * earlier page are replayed with that page's facts. Each stays in the list until it is done,
 * because the browser may end the script in it.
 */
export function replay(entries: Early<PageFacts | string>[], earlierPage?: PageFacts) {
  for (; entries[0]; entries.shift()) {
    const [name, at, args, resolve, place] = entries[0];
    // The stub saves only the `init` of a second snippet, whose view is a repeat.
    const isRepeat = previousName === 'init' && name === 'trackPageView' && lastViewPlace === place;
    if (name === 'trackPageView') lastViewPlace = place;
    previousName = name;
    if (isRepeat || !methods[name]) continue;
    const page = place && typeof place === 'object' ? place : { ...earlierPage!, url: place ?? earlierPage!.url };
    // The page may have had no title when the call was made.
    if (!earlierPage) page.title ||= titleNow();
    const value = safely(name, () => perform(name, at, page, args));
    resolve?.(value);
  }
}

/**
 * Saves the calls that still wait for the core, as the stub saves its calls, for the next page of
 * the site.
 */
export function saveEarlyCalls() {
  if (earlyCalls.length && company && !settings.consent && !browserRefuses()) {
    const lines = earlyCalls.splice(0).map((call) => json([[company, {}, [call]]]));
    set('early', [get('early'), ...lines].join('\t').slice(-Most.CHARS));
  }
}

/** Replays the calls that earlier pages saved, and those of this page. */
export function replayAll() {
  const saved = get('early');
  // Usually there are none, and parsing an empty text would throw, which is expensive.
  if (saved) {
    remove('early');
    for (const line of saved.split('\t').filter(Boolean)) {
      const calls = attempt(() => JSON.parse(line) as [string, PageFacts, Early<PageFacts>[]][]);
      if (!calls) reportLost('dropped', 'the call was dropped');
      for (const [companyId, page, entries] of calls ?? []) if (companyId === company) replay(entries, page);
    }
  }
  replay(earlyCalls);
}
