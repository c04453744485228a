// In development, the start page of `make dev` opens the dashboard and passes it the demo company's
// key, so that nobody has to copy it. The key goes from window to window and never appears in a
// URL. Does nothing unless both pages are served from this machine.

import { go } from './route';
import { signIn } from './session';

const LOCAL = ['localhost', '127.0.0.1'];

export function acceptKey() {
  const opener = window.opener as Window | null;
  if (!opener || !LOCAL.includes(location.hostname)) return;
  addEventListener('message', ({ source, origin, data }) => {
    if (source !== opener || !LOCAL.includes(new URL(origin).hostname) || typeof data?.trackmateAdminKey !== 'string')
      return;
    signIn(data.trackmateAdminKey, false).then(
      (company) => go(['live'], {}, company),
      () => undefined, // The sign-in page stays. It shows no error for a key that nobody typed.
    );
  });
  // The message holds no secret, so any origin may receive it.
  opener.postMessage('trackmate:dashboard-ready', '*');
}
