// Calls as they are written down for later pages. Those of one moment share an entry of the storage, a note: writing is the dearest
// part of a call.

import { get, under } from './store';

/** The text of a call, which the core knows by number. */
export interface Kept {
  /** The page that made it, and which of its calls it is: together its name, and the message id unless the caller chose one. */
  owner: string;
  number: number;
  identify: boolean;
  session: string;
  context: string;
  text: string;
  note?: Note;
}

/** An entry of the storage, and what of it is not over. */
export interface Note {
  key: string;
  calls: Set<Kept>;
}

/** 32 hexadecimal digits. Pages without TLS have no `randomUUID`, which has its random numbers at hand when a page begins. */
export const noise = (): string =>
  crypto.randomUUID?.().split('-').join('') ??
  // Old libraries have an `Array.from` of their own.
  [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, '0')).join('');
/** A page's name, which tells its age, whatever year the clock believes in. */
export const fresh = () => String(Date.now()).padStart(13, '0') + noise().slice(16);
export const ageOf = (owner: string) => Date.now() - Number(owner.slice(0, 13));

export const nameOf = ({ owner, number }: Kept) => `${owner}.${number}`;
export const place = (company: string, owner = '') => `queue.${company}.${owner}${owner && '.'}`;

/** Four lines a call: kind and number, session, context, text. Session and context are left empty where they are the last ones. */
export function spell(calls: Iterable<Kept>): string {
  const lines: string[] = [];
  let before = ['', ''];
  for (const { number, identify, session, context, text } of calls) {
    lines.push((identify ? 'i' : 'e') + number, session === before[0] ? '' : session, context === before[1] ? '' : context, text);
    before = [session, context || before[1]!];
  }
  return lines.join('\n');
}

/** What a page has left, in the order of its calls. */
export function found(company: string, owner: string): Kept[] {
  const at = place(company, owner);
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
