// The life of the page: it starts, is hidden, is left, and may return.

import { adoptQueues } from './adoption';
import { now } from './clock';
import { compile, type Compile, prepare } from './core';
import { listen, reportLost, warn } from './events';
import { host } from './host';
import { becomeReady, checkOnline, core, createCore, ready, replaceCore } from './instance';
import { pageId, reclaimQueues, releaseQueues } from './ownership';
import { pageReturned } from './page';
import { handedOverKeys, keyOf, pendingCalls, removeCall } from './pending';
import { persist, readQueue } from './persistence';
import { callOrQueue, earlyCalls, replay, replayAll, saveEarlyCalls } from './replay';
import { run, takeDeferred } from './schedule';
import { company, settings } from './settings';
import { get, set } from './store';

/** Whether `init` was called on a page that is visible or was once. */
let started = false;
/** Whether `onPagehide` has started and has not handed over all calls. */
let handingOver = false;

/** Creates the core, and starts the SDK if that was waiting for it. */
export function openCore(how: Compile) {
  createCore(how, host);
  if (core && started && !ready) begin();
}

/** `fallback` loads the core as JavaScript, for pages whose policy forbids WebAssembly. */
export function start(fallback: () => Promise<Compile>) {
  started = true;
  if (core) return begin();
  // Firefox does not open localStorage for the first time while a page is closing.
  get('');
  // It fails under a Content-Security-Policy without 'wasm-unsafe-eval', or without WebAssembly.
  const compiled = prepare().catch(fallback);
  const failed = (error: unknown) => reportLost('unavailable', `the SDK cannot be loaded: ${error}`, earlyCalls.length);
  compiled.then(openCore, failed).catch(warn);
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
  // When a navigation starts, answers can still reach this page for the last time.
  listen((window as { navigation?: unknown }).navigation, 'navigate', ({ destination }) => {
    if (destination.sameDocument) return;
    sendBeforeHide();
    run();
  });
  replayAll();
  adoptQueues();
}

/** The page may be left soon: sends what waits now, while answers can still arrive. */
function sendBeforeHide() {
  takeDeferred();
  checkOnline();
  core!.hide_(now(), false);
}

/** Hands over all calls to the browser, and the queues to later pages. */
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
  if ([...pendingCalls.values()].some(({ entry }) => entry)) {
    set(`away.${company}.${pageId}`, [Date.now() + 10_000, ...handedOverKeys].join(' '));
  }
  handedOverKeys.length = 0;
  releaseQueues();
}

/**
 * When the last tab of a site closes, Firefox ends the running script at any statement, and then
 * calls the next listener. The core may be unusable since, so another one sends all calls without
 * an answer. A call that goes twice has the same message id.
 */
export function finishPagehide() {
  if (!handingOver) return;
  if (ready) {
    replaceCore();
    replay(earlyCalls);
  }
  onPagehide();
}

/**
 * The page returned from the back/forward cache. Other pages may have adopted its queues and sent
 * their calls.
 */
function onPageReturn() {
  reclaimQueues((queue, isOurs) => {
    const keys = isOurs ? readQueue(queue).map(keyOf) : [];
    for (const [id, call] of pendingCalls) {
      if (call.pageId !== queue || keys.includes(keyOf(call))) continue;
      removeCall(id);
      core!.forget_(id);
    }
  });
  pageReturned();
  if (settings.pageViews) callOrQueue('trackPageView', [], Date.now());
  run();
}
