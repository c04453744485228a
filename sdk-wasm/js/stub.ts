// The loader stub, which customers paste at the top of a page. It defines `window.TrackMate` at
// once and queues calls until the classic script makes them. If the visitor leaves before that, it
// saves the queue in localStorage for the next page, unless the visitor has to consent first. It
// does nothing on a page that has a stub or the SDK.

import { EARLY, type Early, Most } from './early';
import { json } from './json';
import { ensurePagehide } from './page';

if (!(window.TrackMate as any)?.on) {
  const earlyCalls: Early<string>[] = [];
  const stub: any = { q: earlyCalls };
  stub.getSessionId = stub.getAnonymousId = () => '';
  for (const name of 'init trackPageView track identify group alias reset flush consent on'.split(' ')) {
    stub[name] = (...args: unknown[]) =>
      new Promise((resolve) => {
        try {
          if (name != 'on') args = JSON.parse(json(args));
        } catch {
          // The SDK reports this call as lost.
          args = [];
        }
        earlyCalls[Most.CALLS] || earlyCalls.push([name, Date.now(), args, resolve, document.URL]);
      });
  }
  window.TrackMate = stub;
  const save = () => {
    try {
      const left = localStorage[EARLY];
      const init = earlyCalls.find(([name]) => name == 'init')!;
      // Any other `init` is that of a second snippet.
      const calls = earlyCalls.filter((call) => call !== init);
      if (!calls[0] || /"consent"|"respect/.test(json(init)) || (navigator as any).globalPrivacyControl) return;
      localStorage[EARLY] = [
        left,
        ...calls.map((call) => json([[init[2][0], { title: document.title, referrer: document.referrer }, [call]]])),
      ]
        .join('\t')
        .slice(-Most.CHARS);
      // If the page returns, or this runs again, no call is saved twice.
      earlyCalls.splice(0, 1e9, init);
    } catch {}
  };
  // Two listeners, as in the SDK: Firefox may end the script in the first.
  addEventListener('pagehide', save, true);
  addEventListener('pagehide', save);
  ensurePagehide();
  // Firefox does not open localStorage for the first time while a page is closing.
  save();
}
