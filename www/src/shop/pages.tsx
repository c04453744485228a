// The shop's pages: home, a product, the account, the checkout. Each is an HTML file of its own, as
// in most shops, so a visit spans several page loads.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { shop, unreachable } from './panel';
import { PRODUCTS, basket, CURRENCY, customer, inBasket, price, productInfos, total } from './state';
import { flush, register, session, startOver, track } from './track';

const STEPS: [page: string, name: string][] = [
  ['home', 'Shop'],
  ['product', 'Product'],
  ['account', 'Account'],
  ['checkout', 'Checkout'],
];

function Step({ page, children }: { page: string; children: ComponentChildren }) {
  const reached = STEPS.findIndex(([one]) => one === page);
  return (
    <div class="stack">
      <ol class="trail" aria-label="Steps">
        {STEPS.map(([one, name], index) => (
          <li key={one} class={index <= reached ? 'reached' : ''} aria-current={one === page ? 'step' : undefined}>
            {name}
          </li>
        ))}
      </ol>
      {children}
    </div>
  );
}

export function Home() {
  return (
    <Step page="home">
      <h1>Good sound, small shop</h1>
      <ul class="shelf">
        {PRODUCTS.map((product) => (
          <li key={product.productId} class="card">
            <a href={`/shop/product/?id=${product.productId}`}>
              <img src={product.picture} alt="" width="160" height="160" />
              <strong>{product.productName}</strong>
            </a>
            <span class="price">{price(product.price)}</span>
          </li>
        ))}
      </ul>
    </Step>
  );
}

export function ProductPage() {
  const requested = new URLSearchParams(location.search).get('id');
  const product = PRODUCTS.find(({ productId }) => productId === requested) ?? PRODUCTS[0];
  const [added, setAdded] = useState(basket.get().includes(product.productId));
  const add = () => {
    basket.set([...basket.get(), product.productId]);
    track('add_to_cart', { currency: CURRENCY, productInfos: productInfos([product]) });
    setAdded(true);
  };
  return (
    <Step page="product">
      <section class="card product" aria-labelledby="product-name">
        <img src={product.picture} alt={product.productName} width="220" height="220" />
        <div>
          <p class="quiet">{product.productId}</p>
          <h1 id="product-name">{product.productName}</h1>
          <p>{product.text}</p>
          <p class="price">{price(product.price)}</p>
          <div class="actions">
            <button type="button" aria-disabled={added} onClick={() => added || add()}>
              {added ? 'In your cart' : 'Add to cart'}
            </button>
            {added && (
              <a class="button" href={customer.get() ? '/shop/checkout/' : '/shop/account/'}>
                Continue
              </a>
            )}
          </div>
        </div>
      </section>
    </Step>
  );
}

export function Account() {
  const known = customer.get();
  const [name, setName] = useState(known?.name ?? 'Sarah Johnson');
  const [email, setEmail] = useState(known?.email ?? 'sarah@example.com');
  const [problem, setProblem] = useState('');
  const create = async (submitted: Event) => {
    submitted.preventDefault();
    setProblem('');
    try {
      await register(name.trim(), email.trim());
      location.href = '/shop/checkout/';
    } catch (error) {
      setProblem(`The account could not be created: ${error instanceof Error ? error.message : error}`);
    }
  };
  return (
    <Step page="account">
      <section class="card" aria-labelledby="account-title">
        <h1 id="account-title">Create your account</h1>
        <form onSubmit={create}>
          <label>
            Name{' '}
            <input
              autocomplete="name"
              required
              maxLength={200}
              value={name}
              onInput={(input) => setName(input.currentTarget.value)}
            />
          </label>
          <label>
            E-mail{' '}
            <input
              type="email"
              autocomplete="email"
              required
              maxLength={254}
              value={email}
              onInput={(input) => setEmail(input.currentTarget.value)}
            />
          </label>
          <button>Create account</button>
        </form>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
      </section>
    </Step>
  );
}

export function Checkout() {
  const who = customer.get();
  const [started, setStarted] = useState(false);
  const [order, setOrder] = useState<{ id: string; of: string }>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const items = inBasket();
  const begin = () => {
    track('checkout_started', { currency: CURRENCY, productInfos: productInfos(items) });
    setStarted(true);
  };
  const pay = async () => {
    if (!who) return;
    setBusy(true);
    setProblem('');
    try {
      await flush();
      const { orderId } = await shop.checkout({
        email: who.email,
        profileId: who.profileId,
        sessionId: session(),
        products: items.map(({ productId }) => productId),
      });
      setOrder({ id: orderId, of: price(total()) });
      basket.set([]);
    } catch (error) {
      setProblem(
        unreachable(error)
          ? 'The shop server does not answer, so the payment was not taken.'
          : String(error instanceof Error ? error.message : error),
      );
    }
    setBusy(false);
  };
  if (order) {
    return (
      <Step page="checkout">
        <section class="card">
          <h1>Thank you</h1>
          <p>
            Order <code>{order.id}</code> of {order.of} is paid, shipped, and its confirmation delivered.
          </p>
          <button type="button" class="secondary" onClick={startOver}>
            Start over as another visitor
          </button>
        </section>
      </Step>
    );
  }
  return (
    <Step page="checkout">
      <section class="card">
        <h1>{who ? `Welcome, ${who.name}` : 'Checkout'}</h1>
        {items.length === 0 ? (
          <p>
            Your cart is empty. <a href="/shop/">Look around</a>.
          </p>
        ) : (
          <>
            <ul class="basket">
              {items.map(({ productName, price: one }, index) => (
                <li key={index}>
                  {productName} <span>{price(one)}</span>
                </li>
              ))}
            </ul>
            {!who ? (
              <a class="button" href="/shop/account/">
                Create an account first
              </a>
            ) : !started ? (
              <button type="button" onClick={begin}>
                Checkout
              </button>
            ) : (
              <>
                <p>No card is needed. The shop only tells TrackMate that the order was paid.</p>
                <button type="button" aria-disabled={busy} aria-busy={busy} onClick={() => busy || void pay()}>
                  Pay {price(total())}
                </button>
              </>
            )}
          </>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
      </section>
    </Step>
  );
}
