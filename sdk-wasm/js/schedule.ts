// When work is done. The core takes the calls of a task at its end, or half a second later on a
// busy page, and a timer wakes the core.

import { now } from './clock';
import { resetEnvelope } from './context';
import { safely } from './errors';
import { guard } from './events';
import { checkOnline, core } from './instance';
import { claimed, claimOwnQueue, releasedQueues } from './ownership';
import { changedEntries } from './pending';
import { persist } from './persistence';
import { flushPromises, reportResults } from './results';
import { attempt } from './store';

/** A page that tracks without pause writes its calls together, once in this time … */
const WRITE_MS = 500;
/** … after this many writes in a row, each of which was made at once. */
const WRITES_AT_ONCE = 2;
/**
 * A page claims its queue when it first sends, at the latest this long after its first call. Most
 * pages of a session are gone before, and a claim is expensive.
 */
const CLAIM_MS = 5_000;
/** Longest `setTimeout` that browsers accept. */
const TIMEOUT_MAX = 2 ** 31 - 1;

let timer: ReturnType<typeof setTimeout> | undefined;
let wakeAt = Infinity;
/** Calls that the core has not taken yet. Their data is already copied. */
const deferred = new Set<(t: number) => unknown>();
let takeTimer: ReturnType<typeof setTimeout> | undefined;
/** When all writes so far would be done if there was one every half second. */
let writesSpreadUntil = 0;

/**
 * Sets the timer for the core's next work. It never works at once: the page's task goes first, and
 * the calls of that task share a request.
 */
export function setTimer() {
  const next = core!.next_();
  if (next === wakeAt) return;
  clearTimeout(timer);
  const most = claimed ? TIMEOUT_MAX : CLAIM_MS;
  // NaN, from an unusable core, is a timeout of 0.
  if (next !== Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), most));
  wakeAt = next;
}

/** Lets the core do what is due, and reports the results. */
export const run = guard(() => {
  // A request that is about to be sent also carries the calls that are deferred.
  if (wakeAt <= now()) takeDeferred();
  if (!claimed && !releasedQueues.length) claimOwnQueue();
  wakeAt = Infinity;
  checkOnline();
  core!.wake_(now());
  // On a busy page the next write removes finished calls as well.
  if (!isStreaming() || flushPromises.size) persist();
  else if (changedEntries.size) takeTimer ??= setTimeout(takeAndRun, WRITE_MS);
  setTimer();
  reportResults();
});

/**
 * Whether the page has written so often that the next write can wait. Timers of a hidden page may
 * not run.
 */
const isStreaming = () =>
  writesSpreadUntil - WRITES_AT_ONCE * WRITE_MS > now() && attempt(() => document.hidden) === false;

/**
 * Lets the core take a call after the page's task. A page that is hidden first takes all of them.
 */
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
    // Not before: if the browser ends the script in `step`, the next `takeDeferred` repeats it.
    deferred.delete(step);
  }
  persist();
  setTimer();
});

/**
 * What is due now is done in the same task, because waking the browser's other processes costs
 * most.
 */
function takeAndRun() {
  takeDeferred();
  if (wakeAt <= now()) run();
}
