// The core of this page: made once, and once more when the browser ended it.

import { now } from './clock';
import type { Compile, Core, Host } from './core';
import { enrol } from './ownership';
import { size } from './page';
import { abandon, envelope, type Kept, texts, unwritten } from './pending';
import { company, settings } from './settings';
import { attempt, get } from './store';
import { decide, decision } from './visitor';

export let core: Core | undefined;
/** Whether calls can be made. */
export let ready = false;
let make: Compile;
let host: Host;

/** Makes the core, if there is none and a policy does not forbid it. */
export function connect(how: Compile, asked: Host) {
  if (core) return;
  make = how;
  host = asked;
  core = attempt(() => how(asked));
}

function enter() {
  const { batchSize = 0, flushInterval = 0 } = settings;
  const asked = get(`pause.${company}`);
  // It begins with the defaults, and each function of the core that a start calls costs a page as much as all this.
  if (batchSize || flushInterval || asked || decision) core!.open_(now(), batchSize, flushInterval, Number(asked) - Date.now(), decision);
}

/** The page's calls can be made from now on. */
export function beginCalls() {
  ready = true;
  enrol();
  decide(settings.consent ?? 'granted');
  enter();
}

export function restore(id: number, { identify, session, context, text }: Kept, awayMs = 0) {
  const { bytes, alike } = envelope(session, context);
  core!.restore_(now(), id, identify, size(text), bytes, alike, awayMs);
}

/** Another core, as this one was ended in the middle of its work and is of no use any more. It is told of all that has no answer. */
export function revive() {
  const ended = core;
  try {
    abandon();
    core = make(host);
    enter();
    for (const [id, kept] of texts) {
      restore(id, kept);
      if (!kept.note && !decision) unwritten.push(id);
    }
  } catch {
    // The stack is still full: next time.
    core = ended;
  }
}

export function checkOnline() {
  if (isNaN(core!.next_())) revive();
  core!.online_(now(), navigator.onLine);
}
