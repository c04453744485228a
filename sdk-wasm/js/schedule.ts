// When things are done: calls are taken and written down at the end of the page's task, or half a second later; the core acts when it is due.

import { now } from './clock';
import { resetEnvelope } from './context';
import { safely } from './errors';
import { checkOnline, core } from './instance';
import { persist } from './persistence';
import { releasedQueues, claimOwnQueue, claimed } from './ownership';
import { changedEntries } from './pending';
import { flushPromises, reportResults } from './results';
import { attempt } from './store';
import { guard } from './events';

/** A page that tracks without end has its calls written down this often, those of the time between together … */
const WRITE_MS = 500;
/** … and each call at once as long as it has not made so many of these in a row. */
const WRITES_AT_ONCE = 2;
/** A page claims its queue when it first sends, but no later than this after its first call: most of a visit's pages are gone before. */
const CLAIM_MS = 5_000;
/** Longest `setTimeout` that browsers take. */
const TIMEOUT_MAX = 2 ** 31 - 1;

let timer: ReturnType<typeof setTimeout> | undefined;
let wakeAt = Infinity;
/** Tracked, and not taken yet. What has to be copied has been. */
const deferred = new Set<(t: number) => unknown>();
let takeTimer: ReturnType<typeof setTimeout> | undefined;
/** When all writes until now would have been made, half a second apart. */
let writesSpreadUntil = 0;

/** Comes again when the core has something to do. Never at once: the page's own task goes first, and its calls share a request. */
export function setTimer() {
  const next = core!.next_();
  if (next === wakeAt) return;
  clearTimeout(timer);
  const most = claimed ? TIMEOUT_MAX : CLAIM_MS;
  // At once where it was ended.
  if (next !== Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), most));
  wakeAt = next;
}

/** Lets the core do what is due, and tells who waits for it. */
export const run = guard(() => {
  // What is about to be sent takes along what is not taken yet.
  if (wakeAt <= now()) takeDeferred();
  if (!claimed && !releasedQueues.length) claimOwnQueue();
  wakeAt = Infinity;
  checkOnline();
  core!.wake_(now());
  // What is over can be struck along with the next calls, if they are about to come.
  if (!isStreaming() || flushPromises.size) persist();
  else if (changedEntries.size) takeTimer ??= setTimeout(takeAndRun, WRITE_MS);
  setTimer();
  reportResults();
});

/** Whether so much has been written that the next may wait. A hidden page's timers may never come. */
const isStreaming = () => writesSpreadUntil - WRITES_AT_ONCE * WRITE_MS > now() && attempt(() => document.hidden) === false;

/** The page's own task goes first; at the latest when it goes or hides, all is settled. */
export function defer(step: (t: number) => unknown) {
  if (!deferred.size) {
    if (isStreaming()) takeTimer ??= setTimeout(takeAndRun, WRITE_MS);
    else queueMicrotask(takeDeferred);
  }
  deferred.add(step);
}

export const takeDeferred = guard(() => {
  clearTimeout(takeTimer);
  takeTimer = undefined;
  resetEnvelope();
  if (!deferred.size && !changedEntries.size) return;
  const t = now();
  writesSpreadUntil = Math.max(writesSpreadUntil, t) + WRITE_MS;
  for (const step of [...deferred]) {
    safely('', () => step(t));
    // Not before: where the browser ends the script in there, whoever comes next takes it again.
    deferred.delete(step);
  }
  persist();
  setTimer();
});

/** What is due now goes in the same task: waking the browser's other processes is the dearest part of both. */
function takeAndRun() {
  takeDeferred();
  if (wakeAt <= now()) run();
}
