// Calls as they are written down for later pages. Those of one moment share an entry of the storage, a note: writing is the dearest
// part of a call.

import { core } from './instance';
import { owner } from './ownership';
import { changed, type Kept, type Note, texts, unwritten } from './pending';
import { company } from './settings';
import { get, remove, set, under } from './store';
import { say } from './talk';

const place = (owner: string) => `queue.${company}.${owner}.`;

/** Four lines a call: kind and number, session, context, text. Session and context are left empty where they are the last ones. */
function spell(calls: Iterable<Kept>): string {
  const lines: string[] = [];
  let before = ['', ''];
  for (const { number, identify, session, context, text } of calls) {
    lines.push((identify ? 'i' : 'e') + number, session === before[0] ? '' : session, context === before[1] ? '' : context, text);
    before = [session, context || before[1]!];
  }
  return lines.join('\n');
}

/** Brings the storage up to what has happened. */
export function write() {
  const ids = unwritten.splice(0);
  // One that was taken may have given way since.
  const calls = ids.flatMap((id) => texts.get(id) ?? []);
  if (calls[0]) {
    const note = { key: place(owner) + calls[0].number, calls: new Set(calls) };
    const done = set(note.key, spell(calls));
    say(calls.length, 'calls are kept', done ? 'on disk' : 'in memory');
    if (done) for (const call of calls) call.note = note;
    else for (const id of ids) core!.unkept_(id);
  }
  for (const { key, calls } of changed) calls.size ? set(key, spell(calls)) : remove(key);
  changed.clear();
}

/** What a page has left, in the order of its calls. */
export function found(owner: string): Kept[] {
  const at = place(owner);
  const all: Kept[] = [];
  for (const first of under(at)) {
    const note: Note = { key: at + first, calls: new Set() };
    const lines = get(note.key).split('\n');
    let [session, context] = ['', ''];
    for (let n = 0; n + 3 < lines.length; n += 4) {
      const [head = '', newSession, newContext, text = ''] = lines.slice(n, n + 4);
      session = newSession || session;
      context = newContext || context;
      const call = { owner, number: Number(head.slice(1)), identify: head[0] === 'i', session, context, text, note };
      note.calls.add(call);
      all.push(call);
    }
  }
  return all.sort((one, other) => one.number - other.number);
}
