// Replaces by zeros the static data of a wasm that no constant of its code points at. It is the
// texts of panics: wasm-opt removes their code and cannot know that their texts are unused.
// `node blank.mjs <in.wasm> <its text by wasm-dis> <out.wasm>`
import { readFileSync, writeFileSync } from 'node:fs';

const [from, text, to] = process.argv.slice(2);
const bytes = readFileSync(from);
const code = readFileSync(text, 'utf8').replaceAll(/\(data [^]*?"\)$/gm, '');
const numbers = [...code.matchAll(/(?:i32\.const |offset=)(\d+)/g)].map(([, digits]) => Number(digits));
const constants = new Set(numbers);

/** Bytes that a pointer may need: the longest text that the code reads from its start. */
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
      // Small segments are variables.
      if (size > 100) {
        for (let place = 0; place < size; place++) {
          const pointers = Array.from({ length: REACH }, (_, back) => base + place - back);
          if (!pointers.some((address) => constants.has(address))) bytes[at + place] = 0;
        }
      }
      at += size;
    }
  }
  at = end;
}
writeFileSync(to, bytes);
