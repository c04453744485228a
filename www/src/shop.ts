// The demo shop: what a customer's page does with the public SDK, and beside it what TrackMate made of it. The panel asks the
// shop's own server, since a browser holds no admin key.

import TrackMate from '/sdk/trackmate.js';
import { ApiError, type Received, ShopServer, type Timeline } from './api';
import { byId, el, field } from './dom';
import { eventItem, summary } from './timeline';

const PRODUCT = { productId: 'PROD-001', productName: 'Wireless Headphones', price: 79.99 };
const POLL_MS = 1_500;

const query = new URLSearchParams(location.search);
const companyId = query.get('company') ?? 'TM-SHOP99';
const shopPort = Number(query.get('shopPort')) || Number(location.port || 8787) + 1;
const shop = new ShopServer(`${location.protocol}//${location.hostname}:${shopPort}`);

let person: { email: string; profileId: string } | undefined;

TrackMate.init(companyId, location.origin);
TrackMate.trackPageView();

const cart = () => ({ address: location.href, currency: 'USD', productInfos: [PRODUCT] });

/** The journey's steps in order; each opens the next. */
const steps = ['product', 'account', 'checkout', 'pay', 'done'] as const;

function open(step: (typeof steps)[number]) {
  for (const name of steps) byId(name).hidden = name !== step && !(name === 'product' && step !== 'done');
  byId('trail').replaceChildren(
    ...steps.slice(0, -1).map((name, index) => {
      const reached = index <= steps.indexOf(step);
      return el('li', reached ? { class: 'reached', ...(name === step ? { 'aria-current': 'step' } : {}) } : {}, byId(name).dataset.title ?? '');
    }),
  );
}

byId('add-to-cart').addEventListener('click', () => {
  TrackMate.track('add_to_cart', cart());
  byId('add-to-cart').textContent = 'In your cart';
  byId<HTMLButtonElement>('add-to-cart').disabled = true;
  open('account');
});

byId<HTMLFormElement>('account-form').addEventListener('submit', async (submitted) => {
  submitted.preventDefault();
  const form = submitted.currentTarget as HTMLFormElement;
  const [name, email] = [field(form, 'name'), field(form, 'email')];
  say('account-problem', '');
  try {
    const { profileId } = await TrackMate.identify({ name, email });
    person = { email, profileId };
    byId('customer').textContent = name;
    open('checkout');
    void refresh();
  } catch (error) {
    say('account-problem', `The account could not be made: ${text(error)}`);
  }
});

byId('start-checkout').addEventListener('click', () => {
  TrackMate.track('checkout_started', cart());
  open('pay');
});

byId<HTMLButtonElement>('pay-now').addEventListener('click', async () => {
  const button = byId<HTMLButtonElement>('pay-now');
  if (!person) return;
  button.disabled = true;
  say('pay-problem', '');
  try {
    await TrackMate.flush();
    const { orderId } = await shop.checkout({ ...person, sessionId: TrackMate.getSessionId() });
    byId('order').textContent = orderId;
    open('done');
    void refresh();
  } catch (error) {
    button.disabled = false;
    say('pay-problem', unreachable(error) ? 'The shop server does not answer, so nobody took the payment.' : text(error));
  }
});

byId('again').addEventListener('click', () => {
  TrackMate.reset();
  location.reload();
});

/** Shows what the shop's server knows, and whether it can be asked at all. */
async function refresh() {
  byId('session').textContent = TrackMate.getSessionId();
  try {
    const { deliveries } = await shop.deliveries();
    showDeliveries(deliveries);
    if (person) showTimeline(await shop.timeline(person.profileId));
    byId('shop-server-missing').hidden = true;
  } catch (error) {
    byId('shop-server-missing').hidden = !unreachable(error);
    say('panel-problem', unreachable(error) ? '' : text(error));
    return;
  }
  say('panel-problem', '');
}

function showTimeline(timeline: Timeline) {
  byId('who').textContent = `${timeline.profile.name ?? 'Somebody'} · ${timeline.profile.email ?? ''}`;
  byId('summary').replaceChildren(summary(timeline));
  byId('events').replaceChildren(...timeline.events.map(eventItem));
}

function showDeliveries(deliveries: Received[]) {
  byId('no-deliveries').hidden = deliveries.length > 0;
  byId('deliveries').replaceChildren(
    ...deliveries.map(({ event, receivedAt }) =>
      el(
        'li',
        { 'data-delivery': event },
        el('strong', {}, event),
        el('span', { class: 'good' }, '✓ signature verified'),
        el('time', { datetime: receivedAt }, new Date(receivedAt).toLocaleTimeString()),
      ),
    ),
  );
}

const unreachable = (error: unknown) => error instanceof ApiError && error.status === 0;
const text = (error: unknown) => (error instanceof Error ? error.message : String(error));

function say(id: string, problem: string) {
  byId(id).textContent = problem;
  byId(id).hidden = problem === '';
}

byId('company').textContent = companyId;
byId('shop-server-url').textContent = shop.url;
open('product');
void refresh();
setInterval(() => document.hidden || void refresh(), POLL_MS);
