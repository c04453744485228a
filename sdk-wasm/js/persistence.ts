// Calls as they are written down for later pages. Those of one moment share an entry of the storage, a note: writing is the dearest
// part of a call.

import { core } from './instance';
import { pageId } from './ownership';
import { changedEntries, type PendingCall, type StorageEntry, pendingCalls, unsaved } from './pending';
import { company } from './settings';
import { get, remove, set, keysUnder } from './store';
import { debug } from './events';

const queuePrefix = (pageId: string) => `queue.${company}.${pageId}.`;

/** Four lines a call: kind and number, session, context, text. Session and context are left empty where they are the last ones. */
function serialize(calls: Iterable<PendingCall>): string {
  const lines: string[] = [];
  let before = ['', ''];
  for (const { number, identify, session, context, text } of calls) {
    lines.push((identify ? 'i' : 'e') + number, session === before[0] ? '' : session, context === before[1] ? '' : context, text);
    before = [session, context || before[1]!];
  }
  return lines.join('\n');
}

/** Brings the storage up to what has happened. */
export function persist() {
  const ids = unsaved.splice(0);
  // One that was taken may have given way since.
  const calls = ids.flatMap((id) => pendingCalls.get(id) ?? []);
  if (calls[0]) {
    const entry = { key: queuePrefix(pageId) + calls[0].number, calls: new Set(calls) };
    const saved = set(entry.key, serialize(calls));
    debug(calls.length, 'calls are kept', saved ? 'on disk' : 'in memory');
    if (saved) for (const call of calls) call.entry = entry;
    else for (const id of ids) core!.persistFailed_(id);
  }
  for (const { key, calls } of changedEntries) calls.size ? set(key, serialize(calls)) : remove(key);
  changedEntries.clear();
}

/** What a page has left, in the order of its calls. */
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
