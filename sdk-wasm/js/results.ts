// What became of calls, and who is told.

import { now } from './clock';
import { codedError, LOSS_CODES } from './errors';
import { core } from './instance';
import type { Answer } from './network';
import { changedEntries, removeCall } from './pending';
import { emit, reportLost } from './events';

let lastAnswer: Answer | undefined;
let outcomes: number[] = [];
export const identifyPromises = new Map<number, { resolve(value: { profileId: string }): void; reject(error: Error): void }>();
export const flushPromises = new Set<{ upTo: number; resolve(all: boolean): void }>();

/** An answer has come; what ends from now on ends with it. */
export function setLastAnswer(body?: Answer) {
  lastAnswer = body;
}

/** A call is over. */
export function finishCall(id: number, end: number) {
  const { identify, entry } = removeCall(id);
  if (entry) changedEntries.add(entry);
  outcomes[end] = (outcomes[end] ?? 0) + 1;
  const promise = identify && identifyPromises.get(id);
  if (!promise) return;
  identifyPromises.delete(id);
  if (!end) promise.resolve({ profileId: lastAnswer?.profileId ?? '' });
  else if (end < 2) promise.reject(codedError(lastAnswer?.code ?? 'refused', lastAnswer?.message ?? 'refused'));
  else promise.reject(codedError(LOSS_CODES[end - 2]!, 'the call was dropped'));
}

/** Tells who waits for it. */
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
    reject(codedError('unreachable', 'the server cannot be reached; the call is kept'));
  }
}
