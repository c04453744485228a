// When things are done: calls are taken and written down at the end of the page's task, or half a second later; the core acts when it is due.

import { now } from './clock';
import { anotherMoment } from './context';
import { safely } from './errors';
import { checkOnline, core } from './instance';
import { write } from './notes';
import { left, own, owned } from './ownership';
import { changed } from './pending';
import { flushes, tell } from './results';
import { attempt } from './store';
import { guard } from './talk';

/** A page that tracks without end has its calls written down this often, those of the time between together … */
const WRITE_MS = 500;
/** … and each call at once as long as it has not made so many of these in a row. */
const WRITES_AT_ONCE = 2;
/** A page claims its queue when it first sends, but no later than this after its first call: most of a visit's pages are gone before. */
const OWN_MS = 5_000;
/** Longest `setTimeout` that browsers take. */
const TIMEOUT_MAX = 2 ** 31 - 1;

let timer: ReturnType<typeof setTimeout> | undefined;
let planned = Infinity;
/** Tracked, and not taken yet. What has to be copied has been. */
const drafts = new Set<(t: number) => unknown>();
let settling: ReturnType<typeof setTimeout> | undefined;
/** When all writes until now would have been made, half a second apart. */
let paid = 0;

/** Comes again when the core has something to do. Never at once: the page's own task goes first, and its calls share a request. */
export function arm() {
  const next = core!.next_();
  if (next === planned) return;
  clearTimeout(timer);
  const most = owned ? TIMEOUT_MAX : OWN_MS;
  // At once where it was ended.
  if (next !== Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), most));
  planned = next;
}

/** Lets the core do what is due, and tells who waits for it. */
export const run = guard(() => {
  // What is about to be sent takes along what is not taken yet.
  if (planned <= now()) settle();
  if (!owned && !left.length) own();
  planned = Infinity;
  checkOnline();
  core!.wake_(now());
  // What is over can be struck along with the next calls, if they are about to come.
  if (!streams() || flushes.size) write();
  else if (changed.size) settling ??= setTimeout(catchUp, WRITE_MS);
  arm();
  tell();
});

/** Whether so much has been written that the next may wait. A hidden page's timers may never come. */
const streams = () => paid - WRITES_AT_ONCE * WRITE_MS > now() && attempt(() => document.hidden) === false;

/** The page's own task goes first; at the latest when it goes or hides, all is settled. */
export function draft(step: (t: number) => unknown) {
  if (!drafts.size) {
    if (streams()) settling ??= setTimeout(catchUp, WRITE_MS);
    else queueMicrotask(settle);
  }
  drafts.add(step);
}

export const settle = guard(() => {
  clearTimeout(settling);
  settling = undefined;
  anotherMoment();
  if (!drafts.size && !changed.size) return;
  const t = now();
  paid = Math.max(paid, t) + WRITE_MS;
  for (const step of [...drafts]) {
    safely('', () => step(t));
    // Not before: where the browser ends the script in there, whoever comes next takes it again.
    drafts.delete(step);
  }
  write();
  arm();
});

/** What is due now goes in the same task: waking the browser's other processes is the dearest part of both. */
function catchUp() {
  settle();
  if (planned <= now()) run();
}
