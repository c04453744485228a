// The shop's use of TrackMate: the public SDK and nothing else. Until the visitor is identified,
// their events are also recorded here for the panel.

import TrackMate from '/sdk/trackmate.js';
import { signal } from '@preact/signals';
import { anonymous, company, customer } from './state';

/** Counts tracked events, so that the panel refreshes. */
export const tracked = signal(0);

function record(name: string) {
  if (!customer.get()) anonymous.set([...anonymous.get(), { name, at: new Date().toISOString() }]);
  tracked.value += 1;
}

TrackMate.init(company, location.origin);
TrackMate.trackPageView();
record('page_view');

export function track(name: string, data: Record<string, unknown>) {
  TrackMate.track(name, { address: location.href, ...data });
  record(name);
}

/** Returns the person's profile id. */
export async function register(name: string, email: string) {
  const { profileId } = await TrackMate.identify({ name, email });
  customer.set({ name, email, profileId });
  anonymous.set([]);
  tracked.value += 1;
  return profileId;
}

export const session = () => TrackMate.getSessionId();
export const flush = () => TrackMate.flush();

export function startOver() {
  TrackMate.reset();
  sessionStorage.removeItem('shop.basket');
  sessionStorage.removeItem('shop.customer');
  location.href = '/shop/';
}
