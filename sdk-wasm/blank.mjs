// Blanks the static data of a wasm that no constant of its code points at: the texts of panics whose code wasm-opt has removed, which it
// leaves behind because it cannot know. Whatever a constant does point at stays, with all up to the next text.
// `node blank.mjs <in.wasm> <its text by wasm-dis> <out.wasm>`
import { readFileSync, writeFileSync } from 'node:fs';

const [from, text, to] = process.argv.slice(2);
const bytes = readFileSync(from);
const constants = new Set([...readFileSync(text, 'utf8').replaceAll(/\(data [^]*?"\)$/gm, '').matchAll(/(?:i32\.const |offset=)(\d+)/g)].map(([, number]) => Number(number)));

/** What a pointer may mean at most: the longest text the code reads by a pointer to its beginning. */
const REACH = 16;

let at = 8;
function number() {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
}
while (at < bytes.length) {
  const section = bytes[at++];
  const end = number() + at;
  if (section === 11) {
    for (let left = number(); left > 0; left--) {
      if (number() !== 0 || bytes[at++] !== 0x41) throw new Error('an unknown kind of data segment');
      const base = number();
      if (bytes[at++] !== 0x0b) throw new Error('an unknown kind of data offset');
      const size = number();
      // The small ones are variables.
      if (size > 100) {
        for (let place = 0; place < size; place++) {
          const meant = Array.from({ length: REACH }, (_, back) => base + place - back).some((address) => constants.has(address));
          if (!meant) bytes[at + place] = 0;
        }
      }
      at += size;
    }
  }
  at = end;
}
writeFileSync(to, bytes);
