// The results of calls: they resolve promises and become events.

import { now } from './clock';
import { codedError, LOSS_CODES } from './errors';
import { emit, reportLost } from './events';
import { core } from './instance';
import type { Answer } from './network';
import { changedEntries, removeCall } from './pending';

let lastAnswer: Answer | undefined;
/** Number of calls with each `core::Outcome` since the last report. */
let outcomes: number[] = [];
type IdentifyPromise = { resolve(value: { profileId: string }): void; reject(error: Error): void };
export const identifyPromises = new Map<number, IdentifyPromise>();
export const flushPromises = new Set<{ upTo: number; resolve(all: boolean): void }>();

/** Calls that finish from now on finish with this answer. */
export function setLastAnswer(body?: Answer) {
  lastAnswer = body;
}

/** A call has its final outcome. */
export function finishCall(id: number, outcome: number) {
  const { identify, entry } = removeCall(id);
  if (entry) changedEntries.add(entry);
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const promise = identify && identifyPromises.get(id);
  if (!promise) return;
  identifyPromises.delete(id);
  if (!outcome) promise.resolve({ profileId: lastAnswer?.profileId ?? '' });
  else if (outcome < 2) promise.reject(codedError(lastAnswer?.code ?? 'refused', lastAnswer?.message ?? 'refused'));
  else promise.reject(codedError(LOSS_CODES[outcome - 2]!, 'the call was dropped'));
}

/** Emits the events for what has finished, and settles the promises that can be settled. */
export function reportResults() {
  const [delivered, refused, ...lost] = outcomes;
  outcomes = [];
  if (delivered) emit('delivered', { calls: delivered });
  if (refused) reportLost(lastAnswer?.code ?? 'refused', lastAnswer?.message ?? 'the server refused', refused);
  lost.forEach((calls, why) => calls && reportLost(LOSS_CODES[why]!, 'the call was dropped', calls));
  for (const flush of flushPromises) {
    const progress = core!.progress_(now(), flush.upTo);
    if (progress === 1) continue;
    flushPromises.delete(flush);
    flush.resolve(!progress);
  }
  for (const [id, { reject }] of identifyPromises) {
    if (core!.progress_(now(), id) < 3) continue;
    identifyPromises.delete(id);
    reject(codedError('unreachable', 'the server cannot be reached; the call is stored'));
  }
}
