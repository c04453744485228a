// The queue in localStorage, from which later pages send what this page could not.
// Calls of one moment share an entry, because a write is the most expensive part of a call.

import { debug } from './events';
import { core } from './instance';
import { pageId } from './ownership';
import { changedEntries, type PendingCall, pendingCalls, type StorageEntry, unsaved } from './pending';
import { company } from './settings';
import { get, keysUnder, remove, set } from './store';

const queuePrefix = (pageId: string) => `queue.${company}.${pageId}.`;

/**
 * Four lines for each call: kind and number, session, context, text. Session and context are empty
 * where they equal those of the call before.
 */
function serialize(calls: Iterable<PendingCall>): string {
  const lines: string[] = [];
  let before = ['', ''];
  for (const { number, identify, session, context, text } of calls) {
    lines.push(
      (identify ? 'i' : 'e') + number,
      session === before[0] ? '' : session,
      context === before[1] ? '' : context,
      text,
    );
    before = [session, context || before[1]!];
  }
  return lines.join('\n');
}

/** Writes new calls to localStorage, and removes finished ones. */
export function persist() {
  const ids = unsaved.splice(0);
  // The queue may have dropped a call since the core took it.
  const calls = ids.flatMap((id) => pendingCalls.get(id) ?? []);
  if (calls[0]) {
    const entry = { key: queuePrefix(pageId) + calls[0].number, calls: new Set(calls) };
    const saved = set(entry.key, serialize(calls));
    debug(calls.length, 'calls are stored', saved ? 'on disk' : 'in memory');
    if (saved) for (const call of calls) call.entry = entry;
    else for (const id of ids) core!.persistFailed_(id);
  }
  for (const { key, calls } of changedEntries) calls.size ? set(key, serialize(calls)) : remove(key);
  changedEntries.clear();
}

/** The calls in a page's queue, in the order in which they were made. */
export function readQueue(pageId: string): PendingCall[] {
  const prefix = queuePrefix(pageId);
  const all: PendingCall[] = [];
  for (const first of keysUnder(prefix)) {
    const entry: StorageEntry = { key: prefix + first, calls: new Set() };
    const lines = get(entry.key).split('\n');
    let [session, context] = ['', ''];
    for (let n = 0; n + 3 < lines.length; n += 4) {
      const [head = '', newSession, newContext, text = ''] = lines.slice(n, n + 4);
      session = newSession || session;
      context = newContext || context;
      const call = { pageId, number: Number(head.slice(1)), identify: head[0] === 'i', session, context, text, entry };
      entry.calls.add(call);
      all.push(call);
    }
  }
  return all.sort((one, other) => one.number - other.number);
}
