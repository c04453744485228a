// The page's own life: it starts, hides, goes, and may come back.

import { adopt } from './adoption';
import { now } from './clock';
import { compile, type Compile, prepare } from './core';
import { host } from './host';
import { beginCalls, checkOnline, connect, core, ready, revive } from './instance';
import { found, write } from './notes';
import { giveUp, owner, takeBack } from './ownership';
import { returned } from './page';
import { forget, marks, nameOf, texts } from './pending';
import { call, early, leaveEarly, repeat, repeatAll } from './replay';
import { run, settle } from './schedule';
import { company, settings } from './settings';
import { get, set } from './store';
import { listen, lose, warn } from './talk';

/** Whether `init` was called, on a page that somebody looks at. */
let wanted = false;
/** Whether the page has begun to part and has not handed over all. */
let parting = false;

/** Makes the core, if there is none and a policy does not forbid it, and begins if `init` was called and nothing has begun. */
export function open(how: Compile) {
  connect(how, host);
  if (core && wanted && !ready) begin();
}

/** `fallback` where the page's policy lets no WebAssembly run. */
export function start(fallback: () => Promise<Compile>) {
  wanted = true;
  if (core) return begin();
  // Firefox refuses a page that closes its first look at the storage.
  get('');
  // A Content-Security-Policy without 'wasm-unsafe-eval', or a browser without WebAssembly.
  const made = prepare().catch(fallback);
  made.then(open, (error) => lose('unavailable', `the SDK cannot be loaded: ${error}`, early.length)).catch(warn);
}

function begin() {
  beginCalls();
  listen(document, 'visibilitychange', () => {
    if (document.hidden) part();
    else adopt();
    run();
  });
  listen(window, 'pageshow', ({ persisted }) => persisted && comeBack());
  for (const name of ['online', 'offline']) listen(window, name, run);
  // A navigation that begins is the last moment at which an answer may still come back to this page.
  listen((window as { navigation?: unknown }).navigation, 'navigate', ({ destination }) => {
    if (destination.sameDocument) return;
    part();
    run();
  });
  repeatAll();
  adopt();
}

/** The page may be going: what waits goes now, while answers may still come. */
function part() {
  settle();
  checkOnline();
  core!.part_(now(), false);
}

export function leave() {
  parting = true;
  if (wanted) open(compile);
  if (!ready) {
    leaveEarly();
    parting = false;
    return;
  }
  settle();
  checkOnline();
  core!.part_(now(), true);
  parting = false;
  write();
  if ([...texts.values()].some(({ note }) => note)) set(`away.${company}.${owner}`, [Date.now() + 10_000, ...marks].join(' '));
  marks.length = 0;
  giveUp();
}

/**
 * Firefox ends the script that runs as the last tab of a site closes, anywhere in it, and then calls the next listener. A core that was at work
 * is of no use any more: another one sends all that has no answer. What goes twice has the same message id.
 */
export function leaveAfterAll() {
  if (!parting) return;
  if (ready) {
    revive();
    repeat(early);
  }
  leave();
}

/** The page came back out of the browser's cache. */
function comeBack() {
  takeBack((of, isOurs) => {
    const names = isOurs ? found(of).map(nameOf) : [];
    for (const [id, kept] of texts) {
      if (kept.owner !== of || names.includes(nameOf(kept))) continue;
      forget(id);
      core!.forget_(id);
    }
  });
  returned();
  if (settings.pageViews) call('trackPageView', [], Date.now());
  run();
}
