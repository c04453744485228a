// A one-line summary of an event's or a record's data.

const SUMMARY_CHARS = 120;
const PARTS = 4;

type Data = Record<string, unknown> | null | undefined;

const isScalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value) && value !== '';

/**
 * Money first, then product names, then the first plain values. Leaves out the names in `without`.
 */
export function summarize(data: Data, without: string[] = []): string {
  const { amount, currency, productInfos, ...others } = data ?? {};
  const products = Array.isArray(productInfos)
    ? productInfos.map((product) => (product as Data)?.productName).filter(isScalar)
    : [];
  // If the data is only a nested object, such as {booking: {…}}, summarize the values of that
  // object.
  const inner = Object.values(others).filter((value) => typeof value === 'object' && value && !Array.isArray(value));
  const values = Object.values(others).some(isScalar) ? others : { ...others, ...(inner[0] as Data) };
  const plain = Object.entries(values)
    .filter(([name, value]) => isScalar(value) && !without.includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  const parts = [isScalar(amount) ? [amount, currency].filter(isScalar).join(' ') : '', ...products, ...plain]
    .filter(Boolean)
    .slice(0, PARTS);
  const line = parts.join(' · ');
  return line.length > SUMMARY_CHARS ? `${line.slice(0, SUMMARY_CHARS)}…` : line;
}
