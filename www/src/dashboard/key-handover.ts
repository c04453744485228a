// In development, the start page of `make dev` opens the dashboard and hands it the demo company's key, so that nobody has to copy it. The key goes from window to
// window and stands in no address. Elsewhere than on this very machine it does nothing.

import { go } from './route';
import { signIn } from './session';

const LOCAL = ['localhost', '127.0.0.1'];

export function acceptKey() {
  const opener = window.opener as Window | null;
  if (!opener || !LOCAL.includes(location.hostname)) return;
  addEventListener('message', ({ source, origin, data }) => {
    if (source !== opener || !LOCAL.includes(new URL(origin).hostname) || typeof data?.trackmateAdminKey !== 'string') return;
    signIn(data.trackmateAdminKey, false).then(
      (company) => go(['live'], {}, company),
      () => undefined, // The page for signing in is there, and says nothing of a key that nobody typed.
    );
  });
  // Says only that it is there; whoever opened it knows what to do.
  opener.postMessage('trackmate:dashboard-ready', '*');
}
