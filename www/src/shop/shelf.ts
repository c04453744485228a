// What the shop sells, and what it remembers of this visit: where TrackMate and the shop's own server are, the basket, the customer. Kept in sessionStorage, as
// the shop is several pages.

export interface Product {
  productId: string;
  productName: string;
  price: number;
  picture: string;
  text: string;
}

export const PRODUCTS: [Product, ...Product[]] = [
  { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99, picture: '/headphones.svg', text: 'Thirty hours on one charge, and quiet when you want it.' },
  { productId: 'PROD-002', productName: 'Desk Speaker', price: 49.5, picture: '/speaker.svg', text: 'Small, warm, and never in the way.' },
  { productId: 'PROD-003', productName: 'Travel Case', price: 19, picture: '/case.svg', text: 'Holds the headphones, a cable and a pair of tickets.' },
];
export const CURRENCY = 'USD';

export interface Customer {
  name: string;
  email: string;
  profileId: string;
}

const memory = <T>(name: string, otherwise: T) => ({
  get: (): T => JSON.parse(sessionStorage.getItem(`shop.${name}`) ?? 'null') ?? otherwise,
  set: (value: T) => sessionStorage.setItem(`shop.${name}`, JSON.stringify(value)),
});

/** Product ids. */
export const basket = memory<string[]>('basket', []);
export const customer = memory<Customer | null>('customer', null);
/** What this page's visitor did before anybody knew who they are: names and times. */
export const anonymous = memory<{ name: string; at: string }[]>('anonymous', []);

const place = memory('place', { company: 'TM-SHOP99', shopPort: Number(location.port || 8787) + 1 });
const query = new URLSearchParams(location.search);
if (query.has('company')) place.set({ company: query.get('company') ?? '', shopPort: Number(query.get('shopPort')) || place.get().shopPort });
export const { company, shopPort } = place.get();

export const inBasket = () => basket.get().flatMap((id) => PRODUCTS.find(({ productId }) => productId === id) ?? []);
export const price = (amount: number) => `${amount.toFixed(2)} ${CURRENCY}`;
export const total = () => inBasket().reduce((sum, { price }) => sum + price, 0);
/** Products as events tell them. */
export const told = (products: Product[]) => products.map(({ productId, productName, price }) => ({ productId, productName, price }));
