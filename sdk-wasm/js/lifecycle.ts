// The page's own life: it starts, hides, goes, and may come back.

import { adoptQueues } from './adoption';
import { now } from './clock';
import { compile, type Compile, prepare } from './core';
import { host } from './host';
import { becomeReady, checkOnline, createCore, core, ready, replaceCore } from './instance';
import { readQueue, persist } from './persistence';
import { releaseQueues, pageId, reclaimQueues } from './ownership';
import { pageReturned } from './page';
import { removeCall, handedOverKeys, keyOf, pendingCalls } from './pending';
import { callOrQueue, earlyCalls, saveEarlyCalls, replay, replayAll } from './replay';
import { run, takeDeferred } from './schedule';
import { company, settings } from './settings';
import { get, set } from './store';
import { listen, reportLost, warn } from './events';

/** Whether `init` was called, on a page that somebody looks at. */
let started = false;
/** Whether the page has begun to part and has not handed over all. */
let handingOver = false;

/** Makes the core, if there is none and a policy does not forbid it, and begins if `init` was called and nothing has begun. */
export function openCore(how: Compile) {
  createCore(how, host);
  if (core && started && !ready) begin();
}

/** `fallback` where the page's policy lets no WebAssembly run. */
export function start(fallback: () => Promise<Compile>) {
  started = true;
  if (core) return begin();
  // Firefox refuses a page that closes its first look at the storage.
  get('');
  // A Content-Security-Policy without 'wasm-unsafe-eval', or a browser without WebAssembly.
  const made = prepare().catch(fallback);
  made.then(openCore, (error) => reportLost('unavailable', `the SDK cannot be loaded: ${error}`, earlyCalls.length)).catch(warn);
}

function begin() {
  becomeReady();
  listen(document, 'visibilitychange', () => {
    if (document.hidden) sendBeforeHide();
    else adoptQueues();
    run();
  });
  listen(window, 'pageshow', ({ persisted }) => persisted && onPageReturn());
  for (const name of ['online', 'offline']) listen(window, name, run);
  // A navigation that begins is the last moment at which an answer may still come back to this page.
  listen((window as { navigation?: unknown }).navigation, 'navigate', ({ destination }) => {
    if (destination.sameDocument) return;
    sendBeforeHide();
    run();
  });
  replayAll();
  adoptQueues();
}

/** The page may be going: what waits goes now, while answers may still come. */
function sendBeforeHide() {
  takeDeferred();
  checkOnline();
  core!.hide_(now(), false);
}

export function onPagehide() {
  handingOver = true;
  if (started) openCore(compile);
  if (!ready) {
    saveEarlyCalls();
    handingOver = false;
    return;
  }
  takeDeferred();
  checkOnline();
  core!.hide_(now(), true);
  handingOver = false;
  persist();
  if ([...pendingCalls.values()].some(({ entry }) => entry)) set(`away.${company}.${pageId}`, [Date.now() + 10_000, ...handedOverKeys].join(' '));
  handedOverKeys.length = 0;
  releaseQueues();
}

/**
 * Firefox ends the script that runs as the last tab of a site closes, anywhere in it, and then calls the next listener. A core that was at work
 * is of no use any more: another one sends all that has no answer. What goes twice has the same message id.
 */
export function finishPagehide() {
  if (!handingOver) return;
  if (ready) {
    replaceCore();
    replay(earlyCalls);
  }
  onPagehide();
}

/** The page came back out of the browser's cache. */
function onPageReturn() {
  reclaimQueues((of, isOurs) => {
    const names = isOurs ? readQueue(of).map(keyOf) : [];
    for (const [id, call] of pendingCalls) {
      if (call.pageId !== of || names.includes(keyOf(call))) continue;
      removeCall(id);
      core!.forget_(id);
    }
  });
  pageReturned();
  if (settings.pageViews) callOrQueue('trackPageView', [], Date.now());
  run();
}
