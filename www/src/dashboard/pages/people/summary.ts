// The one line that tells most about an event or a record.

const GIST_CHARS = 120;
const PARTS = 4;

type Data = Record<string, unknown> | null | undefined;

const isScalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value) && value !== '';

/** Money first, then the names of products, then the first plain values; `without` are left out. */
export function summarize(data: Data, without: string[] = []): string {
  const { amount, currency, productInfos, ...others } = data ?? {};
  const products = Array.isArray(productInfos) ? productInfos.map((product) => (product as Data)?.productName).filter(isScalar) : [];
  // An object that stands alone, as what an event is about does, is told by its own values.
  const inner = Object.values(others).filter((value) => typeof value === 'object' && value && !Array.isArray(value));
  const values = Object.values(others).some(isScalar) ? others : { ...others, ...(inner[0] as Data) };
  const plain = Object.entries(values).filter(([name, value]) => isScalar(value) && !without.includes(name)).map(([name, value]) => `${name}: ${value}`);
  const parts = [isScalar(amount) ? [amount, currency].filter(isScalar).join(' ') : '', ...products, ...plain].filter(Boolean).slice(0, PARTS);
  const line = parts.join(' · ');
  return line.length > GIST_CHARS ? `${line.slice(0, GIST_CHARS)}…` : line;
}
