// The core of this page. It is created once, and again if the browser interrupted it.

import { now } from './clock';
import type { Compile, Core, Host } from './core';
import { newPageId } from './ownership';
import { byteLength } from './page';
import { clearBatch, envelope, type PendingCall, pendingCalls, unsaved } from './pending';
import { company, settings } from './settings';
import { attempt, get } from './store';
import { consentState, setConsent } from './visitor';

export let core: Core | undefined;
/** Whether calls can be made. */
export let ready = false;
let compileCore: Compile;
let host: Host;

/** Creates the core unless it exists. Under a policy without WebAssembly it stays undefined. */
export function createCore(compile: Compile, pageHost: Host) {
  if (core) return;
  // Both first: if the browser ends the script here, `replaceCore` needs them.
  compileCore = compile;
  host = pageHost;
  core = attempt(() => compile(pageHost));
}

function configureCore() {
  const { batchSize = 0, flushInterval = 0 } = settings;
  const pausedUntil = get(`pause.${company}`);
  // A new core has the defaults. Each first call of a function of it is expensive when a page
  // starts.
  if (batchSize || flushInterval || pausedUntil || consentState) {
    core!.open_(now(), batchSize, flushInterval, Number(pausedUntil) - Date.now(), consentState);
  }
}

/** From now on the page can make calls. */
export function becomeReady() {
  ready = true;
  newPageId();
  setConsent(settings.consent ?? 'granted');
  configureCore();
}

/** Passes a stored call to the core. It is not sent for `handedOverMs`. */
export function restoreCall(id: number, { identify, session, context, text }: PendingCall, handedOverMs = 0) {
  const { bytes, envelopeId } = envelope(session, context);
  core!.restore_(now(), id, identify, byteLength(text), bytes, envelopeId, handedOverMs);
}

/**
 * The browser ended the script inside the core, which is unusable since. Creates another core and
 * passes it all calls without an answer.
 */
export function replaceCore() {
  const unusable = core;
  try {
    clearBatch();
    core = compileCore(host);
    configureCore();
    for (const [id, call] of pendingCalls) {
      restoreCall(id, call);
      if (!call.entry && !consentState) unsaved.push(id);
    }
  } catch {
    // The stack is still full: the next call tries again.
    core = unusable;
  }
}

/** Tells the core whether there is a network. An unusable core is replaced first. */
export function checkOnline() {
  if (isNaN(core!.next_())) replaceCore();
  core!.online_(now(), navigator.onLine);
}
