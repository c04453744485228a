// The loader stub, to be pasted into a page before anything else: `window.TrackMate` is there at once and queues calls until the
// classic script, loaded without haste, makes them. If the visitor goes before that, the queue is left in localStorage for the next
// page; not where the visitor has a say first.

import { askWhileLoading } from './page';

{
  const key = 'trackmate.early';
  const early: [string, number, any[], unknown?][] = [];
  const stub: any = { q: early, getSessionId: () => '', getAnonymousId: () => '' };
  for (const name of ['init', 'trackPageView', 'track', 'identify', 'group', 'alias', 'reset', 'flush', 'consent', 'on']) {
    stub[name] = (...args: unknown[]) =>
      new Promise((resolve) => early.push([name, Date.now(), name === 'on' ? args : JSON.parse(JSON.stringify(args)), resolve]));
  }
  window.TrackMate = stub;
  const read = () => JSON.parse(localStorage[key] || '[]');
  const save = () => {
    const init = early.find(([name]) => name === 'init');
    if (window.TrackMate !== stub || !init || !early[1] || /"consent"|"respect/.test(JSON.stringify(init))) return;
    if ((navigator as any).globalPrivacyControl) return;
    const page = { url: location.href, title: document.title, referrer: document.referrer };
    try {
      localStorage[key] = JSON.stringify([...read(), [init[2][0], page, early]]);
      // Should the page come back, or this be called again, no call is made twice.
      early.splice(0, early.length, init);
    } catch {}
  };
  // As in the SDK: Firefox may end the first.
  for (const capture of [true, false]) addEventListener('pagehide', save, capture);
  askWhileLoading();
  try {
    // Firefox refuses a page that closes its first look at the storage.
    read();
  } catch {}
}
