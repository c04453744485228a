// The loader stub, to be pasted into a page before anything else: `window.TrackMate` is there at once and queues calls until the
// classic script, loaded without haste, makes them. If the visitor goes before that, the queue is left in localStorage for the next
// page; not where the visitor has a say first. Where there is one already, or the SDK, it is left alone.

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
          // The SDK says that it is lost.
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
      // Any other `init` is a second snippet's.
      const calls = earlyCalls.filter((call) => call !== init);
      if (!calls[0] || /"consent"|"respect/.test(json(init)) || (navigator as any).globalPrivacyControl) return;
      localStorage[EARLY] = [left, ...calls.map((call) => json([[init[2][0], { title: document.title, referrer: document.referrer }, [call]]]))].join('\t').slice(-Most.CHARS);
      // Should the page come back, or this be called again, no call is made twice.
      earlyCalls.splice(0, 1e9, init);
    } catch {}
  };
  // As in the SDK: Firefox may end the first.
  addEventListener('pagehide', save, true);
  addEventListener('pagehide', save);
  ensurePagehide();
  // Firefox refuses a page that closes its first look at the storage.
  save();
}
