// What the shop sells, and the state of this visit: the company, the port of the shop's server, the
// basket, the customer. Kept in sessionStorage, since the shop has several pages.

import { ApiError, DevServer } from '../api';

export interface Product {
  productId: string;
  productName: string;
  price: number;
  picture: string;
  text: string;
}

export const PRODUCTS: [Product, ...Product[]] = [
  {
    productId: 'PROD-001',
    productName: 'Wireless Headphones',
    price: 79.99,
    picture: '/headphones.svg',
    text: 'Thirty hours on one charge, and quiet when you want it.',
  },
  {
    productId: 'PROD-002',
    productName: 'Desk Speaker',
    price: 49.5,
    picture: '/speaker.svg',
    text: 'Small, warm, and never in the way.',
  },
  {
    productId: 'PROD-003',
    productName: 'Travel Case',
    price: 19,
    picture: '/case.svg',
    text: 'Holds the headphones, a cable and a pair of tickets.',
  },
];
export const CURRENCY = 'USD';

export interface Customer {
  name: string;
  email: string;
  profileId: string;
}

const stored = <T>(name: string, initial: T) => ({
  get: (): T => JSON.parse(sessionStorage.getItem(`shop.${name}`) ?? 'null') ?? initial,
  set: (value: T) => sessionStorage.setItem(`shop.${name}`, JSON.stringify(value)),
});

/** Product ids. */
export const basket = stored<string[]>('basket', []);
export const customer = stored<Customer | null>('customer', null);
/** Events that the visitor sent before they were identified: names and times. */
export const anonymous = stored<{ name: string; at: string }[]>('anonymous', []);

/**
 * The company that `make dev` creates. Its shop server has the next port. The start page has the
 * port after that, and starts the shop servers of other companies.
 */
const DEMO = 'TM-SHOP99';
const port = Number(location.port || 8787);
const query = new URLSearchParams(location.search);
const dev = new DevServer(`${location.protocol}//${location.hostname}:${Number(query.get('devPort')) || port + 2}`);

const place = stored<{ company: string; shopPort?: number }>('place', { company: DEMO, shopPort: port + 1 });
const requested = query.get('company') || place.get().company;
if (requested !== place.get().company) {
  // A customer of another company is unknown to this one.
  for (const { set } of [basket, anonymous]) set([]);
  customer.set(null);
  place.set({ company: requested });
}
if (query.has('shopPort')) place.set({ company: requested, shopPort: Number(query.get('shopPort')) });
export const { company } = place.get();

async function openServer(): Promise<number> {
  if (company === DEMO) return port + 1;
  try {
    return (await dev.openShop(company)).port;
  } catch (error) {
    const why =
      error instanceof ApiError && error.status > 0
        ? error.message
        : `make dev starts it, but does not answer at ${dev.url}`;
    throw new Error(`The shop of ${company} needs its own server, which is not running: ${why}.`);
  }
}

/** The port of the shop's server. */
export const shopPort = place.get().shopPort ?? (await openServer());
place.set({ company, shopPort });

export const inBasket = () => basket.get().flatMap((id) => PRODUCTS.find(({ productId }) => productId === id) ?? []);
export const price = (amount: number) => `${amount.toFixed(2)} ${CURRENCY}`;
export const total = () => inBasket().reduce((sum, { price }) => sum + price, 0);
/** Products in the form that events have. */
export const productInfos = (products: Product[]) =>
  products.map(({ productId, productName, price }) => ({ productId, productName, price }));
