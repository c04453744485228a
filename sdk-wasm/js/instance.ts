// The core of this page: made once, and once more when the browser ended it.

import { now } from './clock';
import type { Compile, Core, Host } from './core';
import { newPageId } from './ownership';
import { byteLength } from './page';
import { clearBatch, envelope, type PendingCall, pendingCalls, unsaved } from './pending';
import { company, settings } from './settings';
import { attempt, get } from './store';
import { setConsent, consentState } from './visitor';

export let core: Core | undefined;
/** Whether calls can be made. */
export let ready = false;
let compileCore: Compile;
let host: Host;

/** Makes the core, if there is none and a policy does not forbid it. */
export function createCore(how: Compile, pageHost: Host) {
  if (core) return;
  compileCore = how;
  host = pageHost;
  core = attempt(() => how(pageHost));
}

function configureCore() {
  const { batchSize = 0, flushInterval = 0 } = settings;
  const serverPause = get(`pause.${company}`);
  // It begins with the defaults, and each function of the core that a start calls costs a page as much as all this.
  if (batchSize || flushInterval || serverPause || consentState) core!.open_(now(), batchSize, flushInterval, Number(serverPause) - Date.now(), consentState);
}

/** The page's calls can be made from now on. */
export function becomeReady() {
  ready = true;
  newPageId();
  setConsent(settings.consent ?? 'granted');
  configureCore();
}

export function restoreCall(id: number, { identify, session, context, text }: PendingCall, handedOverMs = 0) {
  const { bytes, envelopeId } = envelope(session, context);
  core!.restore_(now(), id, identify, byteLength(text), bytes, envelopeId, handedOverMs);
}

/** Another core, as this one was ended in the middle of its work and is of no use any more. It is told of all that has no answer. */
export function replaceCore() {
  const endedCore = core;
  try {
    clearBatch();
    core = compileCore(host);
    configureCore();
    for (const [id, call] of pendingCalls) {
      restoreCall(id, call);
      if (!call.entry && !consentState) unsaved.push(id);
    }
  } catch {
    // The stack is still full: next time.
    core = endedCore;
  }
}

export function checkOnline() {
  if (isNaN(core!.next_())) replaceCore();
  core!.online_(now(), navigator.onLine);
}
