// What is done to a body that a door takes, and to the request around it. Everything follows from a seed.
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';

/** JSON that JSON.stringify does not write: stands in a value as this text, and is put in its place afterwards. */
const raw = (json) => `@raw ${json}@`;
const unraw = (text) => text.replaceAll(/"@raw (.*?)@"/g, (_, json) => JSON.parse(`"${json}"`));
const nested = (depth, open, inner, close) => raw(open.repeat(depth) + inner + close.repeat(depth));

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(...['1e400', '-1e400', '1E-400', '-0', '0.1e1', '0', '86400000', '9007199254740993', '18446744073709551616', '123456789012345678901234567890', `1${'0'.repeat(400)}`, `0.${'3'.repeat(400)}`, '1760781600', '1760781600000', '-62135596800000', '253402300800000', '8640000000000001', 'NaN', 'Infinity', '01', '1.', '.5', '+1', '0x10'].map(raw)),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    '', ' ', '\u0000', 'a\u0000b', '\ud800', 'x\udfff\ud800', '\ufeff', '\u202e', '\u2028', 'null', 'undefined', '[object Object]', 'NaN', '{}', '%00', "'; drop table events; --", '__proto__', 'constructor', '../../etc/passwd',
    'webhook_1760781600_x', 'user.created', 'webhook.test', 'booking.', '.created', 'booking.created.x', 'a@b', 'a@example.com', 'A@EXAMPLE.COM ', 'é@exämple.com', `${'a'.repeat(250)}@example.com`,
    '2025-10-18T10:00:00Z', '2025-10-18', '2025-13-45T99:99:99Z', '0000-00-00', '+275760-09-13T00:00:00Z', '9999-12-31T23:59:59.999999999+14:00', '1760781600', '2025-10-18T10:00:00.123456789Z',
    'x'.repeat(201), 'x'.repeat(5000), 'é'.repeat(40_000), '\u0001'.repeat(20_000),
    raw('"\\ud800"'), raw('"\\udc00\\ud800"'), raw('"\\u0000"'), raw('"\\x"'), raw('"\\u12"'), raw("'single'"), raw('"line\nbreak"'), raw('{"a":1,"a":2}'), raw('{"\\ud800":1,"\\udc00":2}'), raw('{"amount":5,"amount":"5 USD","\\u0061mount":NaN}'),
    '2025-10-18 12:00:00', 'Sat, 18 Oct 2025 10:00:00 GMT', '79,99', '.50', '1.234,56 €', '$1,234.50', '٧٩٫٩٩', '+491747856472', 'Great \ud83d', 'José 刘', 'x;=1+1', 'x\t=1', '<a@example.com>;', 'a@xn--exmple-cua.com', 'mailto:\u200ba@example.com',
  ),
);
const deep = fc.oneof(
  fc.nat(40).map((depth) => nested(depth, '[', '1', ']')),
  fc.nat(40).map((depth) => nested(depth, '{"a":', '1', '}')),
  fc.constantFrom(nested(127, '[', '1', ']'), nested(129, '[', '1', ']'), nested(1001, '{"a":', '{}', '}'), nested(20_000, '[', '', ']'), nested(50_000, '{"a":', '1', '}')),
);
const odd = fc.oneof(number, text, deep, fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({}), fc.jsonValue({ maxDepth: 4 }), fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 600, size: 'max' }), fc.dictionary(text.map(String), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 20 }));

const change = fc.record({ at: fc.nat(10_000), how: fc.constantFrom('set', 'set', 'set', 'delete', 'add', 'twice'), name: text.map(String), value: odd });
const writing = fc.oneof(
  { weight: 14, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('cut'), at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('flip'), at: fc.double({ min: 0, max: 0.999, noNaN: true }), bit: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('insert'), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.uint8Array({ maxLength: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('replace'), bytes: fc.oneof(fc.uint8Array({ maxLength: 200 }), odd.map((value) => Buffer.from(unraw(JSON.stringify(value))))) }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constantFrom('bom', 'utf16', 'spaces', 'comment', 'comma', 'two') }) },
);
const packing = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ how: 'plain' }) },
  { weight: 3, arbitrary: fc.constantFrom({ how: 'gzip' }, { how: 'gzip', silent: true }) },
  { weight: 2, arbitrary: fc.record({ how: fc.constantFrom('short', 'tail', 'broken', 'twice', 'magic', 'bomb', 'deflate', 'lie'), at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);
const header = (arbitrary, often = 3) => fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: often, arbitrary });
/** What node lets through: no control characters. */
const value = fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom('', 'x'.repeat(6000), '\u00e9\u00ff', '*', 'null', ',', '"', '0', '-1', '999999999999')).map((v) => v.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, ''));

/** Odd values and nothing else: most are taken, so that what is read afterwards is odd. */
const calm = fc.record({
  door: fc.nat(1000), method: fc.constant('POST'), tail: fc.constant(''), changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  writing: fc.constant(null), packing: fc.constant({ how: 'plain' }), chunked: fc.boolean(), key: fc.constant('good'), headers: fc.constant({}),
});
const wild = fc.record({
  door: fc.nat(1000),
  method: fc.oneof({ weight: 30, arbitrary: fc.constant('POST') }, { weight: 1, arbitrary: fc.constantFrom('GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND') }),
  tail: fc.oneof({ weight: 12, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom('/', '//', '?', '?visitor=a-1', '?visitor=%00', '?visitor=%ff%fe', '?a=%', `?x=${'y'.repeat(3000)}`, '?company_id=TM-NOBODY&sessionId=x', '#x') }),
  changes: fc.array(change, { maxLength: 3 }),
  writing,
  packing,
  chunked: fc.boolean(),
  key: fc.oneof({ weight: 10, arbitrary: fc.constant('good') }, { weight: 1, arbitrary: fc.constantFrom('other', 'admin', 'none', 'bearer', 'unknown') }, { weight: 1, arbitrary: value.map((text) => ({ text })) }),
  headers: fc.record({
    'content-type': header(fc.oneof(value, fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json; charset=utf-16', 'image/png'))),
    'content-encoding': header(fc.oneof(value, fc.constantFrom('gzip', 'GZIP', 'identity', 'br', 'gzip, gzip', 'deflate')), 1),
    'user-agent': header(fc.oneof(value, fc.constantFrom('Googlebot/2.1', 'Mozilla/5.0'))),
    origin: header(fc.oneof(value, fc.constantFrom('https://shop.example', 'null', 'file://'))),
    referer: header(value),
    'cf-connecting-ip': header(fc.oneof(value, fc.constantFrom('192.0.2.1', '::1', '::ffff:192.0.2.1', 'fe80::1%eth0'))),
    accept: header(value),
    cookie: header(value),
    'last-event-id': header(value),
  }),
});

const anyCase = fc.oneof({ weight: 1, arbitrary: calm }, { weight: 3, arbitrary: wild });

/** `count` cases. */
export const casesOf = (seed, count) => fc.sample(anyCase, { seed, numRuns: count });

/** Every place in a value: the object or array, and the key. */
function places(value, found = []) {
  if (value === null || typeof value !== 'object') return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    places(value[key], found);
  }
  return found;
}

/** An id of its own, so that an answer of 200 means a new row where the answer does not say so. A number is as good an id as a text. */
const own = (key, value, number) => (key === 'messageId' && (typeof value === 'number' || /^@raw -?[\d.]/.test(value)) ? number : key === 'messageId' && typeof value === 'string' && value !== '' && !value.startsWith('@raw') && value.length < 100 ? `${value}#${number}` : value);

function changed(body, changes, number) {
  let whole = body;
  for (const { at, how, name, value: shared } of changes) {
    const value = structuredClone(shared);
    const found = places(whole);
    const [holder, key] = found[at % (found.length + 1)] ?? [];
    if (holder === undefined) {
      if (how === 'set') whole = value;
      else if (typeof whole === 'object' && whole !== null) whole[name] = own(name, value, number);
    } else if (how === 'delete') delete holder[key];
    else if (how === 'add' && !Array.isArray(holder)) holder[name] = own(name, value, number);
    else if (how === 'twice' && Array.isArray(holder)) holder.push(holder[key]);
    else holder[key] = own(key, value, number);
  }
  return whole;
}

function written(bytes, writing) {
  const at = Math.floor((writing?.at ?? 0) * bytes.length);
  switch (writing?.how) {
    case 'cut': return bytes.subarray(0, at);
    case 'flip': {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[at] ^= 1 << writing.bit;
      return flipped;
    }
    case 'insert': return Buffer.concat([bytes.subarray(0, at), writing.bytes, bytes.subarray(at)]);
    case 'replace': return Buffer.from(writing.bytes);
    case 'bom': return Buffer.concat([Buffer.from('\ufeff'), bytes]);
    case 'utf16': return Buffer.from(bytes.toString(), 'utf16le');
    case 'spaces': return Buffer.concat([Buffer.from(' \n\t'), bytes, Buffer.from('\r\n ')]);
    case 'comment': return Buffer.concat([Buffer.from('/* */'), bytes]);
    case 'comma': return Buffer.concat([bytes.subarray(0, -1), Buffer.from(',}')]);
    case 'two': return Buffer.concat([bytes, bytes]);
    default: return bytes;
  }
}

/** A megabyte of zeros is as good as thirty: both are beyond the bound, and this is made ten thousand times. */
const bomb = gzipSync(Buffer.alloc(1024 * 1024));

function packed(bytes, { how, at }) {
  const zipped = () => gzipSync(bytes, { level: 1 });
  switch (how) {
    case 'gzip': return zipped();
    case 'short': return zipped().subarray(0, Math.floor(at * zipped().length));
    case 'tail': return Buffer.concat([zipped(), Buffer.from('more')]);
    case 'broken': {
      const broken = Buffer.from(zipped());
      broken[Math.floor(at * (broken.length - 1))] ^= 0xff;
      return broken;
    }
    case 'twice': return gzipSync(zipped(), { level: 1 });
    case 'magic': return Buffer.concat([Buffer.from([0x1f, 0x8b]), bytes]);
    case 'bomb': return bomb;
    case 'deflate': return deflateSync(bytes);
    default: return bytes;
  }
}

/** The JSON of a case's body, and its bytes. */
export function bodyOf(door, odd, number, world) {
  const json = unraw(JSON.stringify(changed(door.body(number, world), odd.changes, number)) ?? '');
  return { json, bytes: packed(written(Buffer.from(json), odd.writing), odd.packing) };
}

/** The headers of a case. */
export function headersOf(door, odd, world) {
  const shown = { good: world.serverKey, other: world.otherKey, admin: world.adminKey, unknown: 'tm_live_0000' }[odd.key] ?? odd.key.text;
  let key = shown === undefined ? {} : door.key(shown);
  if (odd.key === 'bearer' && Object.keys(door.key('x')).length > 0) key = { authorization: `Bearer ${world.serverKey}` };
  const given = Object.fromEntries(Object.entries(odd.headers).filter(([, v]) => v !== null));
  const { how, silent } = odd.packing;
  const zip = how === 'lie' || (how !== 'plain' && how !== 'deflate' && !silent) ? { 'content-encoding': 'gzip' } : {};
  return { ...given, ...zip, ...key };
}
