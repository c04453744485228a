// JSON of what the page hands over, whatever it has taught its lists: Prototype.js before 1.7 gives them a `toJSON` that makes texts of
// them. A BigInt, which JSON has no word for, is its digits.

export const json = (value: unknown): string =>
  JSON.stringify(value, function (key, said) {
    return Array.isArray(this[key]) ? this[key] : typeof said === 'bigint' ? '' + said : said;
  });
