// JSON of what the page passes. Prototype.js before 1.7 gives arrays a `toJSON` that makes strings
// of them, so arrays are taken as they are. A BigInt, which JSON does not have, becomes its digits.

export const json = (value: unknown): string =>
  JSON.stringify(value, function (key, converted) {
    return Array.isArray(this[key]) ? this[key] : typeof converted === 'bigint' ? '' + converted : converted;
  });
