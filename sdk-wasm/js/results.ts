// What became of calls, and who is told.

import { now } from './clock';
import { failure, LOST } from './errors';
import { core } from './instance';
import type { Answer } from './network';
import { changed, forget } from './pending';
import { emit, lose } from './talk';

let answer: Answer | undefined;
let ended: number[] = [];
export const promises = new Map<number, { resolve(value: { profileId: string }): void; reject(error: Error): void }>();
export const flushes = new Set<{ upTo: number; resolve(all: boolean): void }>();

/** An answer has come; what ends from now on ends with it. */
export function hear(body?: Answer) {
  answer = body;
}

/** A call is over. */
export function done(id: number, end: number) {
  const { identify, note } = forget(id);
  if (note) changed.add(note);
  ended[end] = (ended[end] ?? 0) + 1;
  const promise = identify && promises.get(id);
  if (!promise) return;
  promises.delete(id);
  if (!end) promise.resolve({ profileId: answer?.profileId ?? '' });
  else if (end < 2) promise.reject(failure(answer?.code ?? 'refused', answer?.message ?? 'refused'));
  else promise.reject(failure(LOST[end - 2]!, 'the call was dropped'));
}

/** Tells who waits for it. */
export function tell() {
  const [delivered, refused, ...lost] = ended;
  ended = [];
  if (delivered) emit('delivered', { calls: delivered });
  if (refused) lose(answer?.code ?? 'refused', answer?.message ?? 'the server refused', refused);
  lost.forEach((calls, why) => calls && lose(LOST[why]!, 'the call was dropped', calls));
  for (const flush of flushes) {
    const progress = core!.progress_(now(), flush.upTo);
    if (progress === 1) continue;
    flushes.delete(flush);
    flush.resolve(!progress);
  }
  for (const [id, { reject }] of promises) {
    if (core!.progress_(now(), id) < 3) continue;
    promises.delete(id);
    reject(failure('unreachable', 'the server cannot be reached; the call is kept'));
  }
}
