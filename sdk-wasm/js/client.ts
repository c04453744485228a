// The object `TrackMate` that pages call. No method throws into the page.

import { methods } from './calls';
import { compile, type Compile } from './core';
import type { Early } from './early';
import { safely, SERVER_RESULTS } from './errors';
import { guard, listen, on, warn } from './events';
import { core } from './instance';
import { finishPagehide, onPagehide, openCore, start } from './lifecycle';
import { currentPage, ensurePagehide, isViewed, type PageFacts, pageFacts, watchHistory } from './page';
import { callOrQueue, ignoreRepeatedView } from './replay';
import { takeDeferred } from './schedule';
import { company, configure, settings } from './settings';
import { attempt } from './store';
import type { InitOptions, TrackMate } from './trackmate';
import { currentSession, getAnonymousId } from './visitor';

/** The page's SDK is stored under this symbol. A second script on the page finds it there. */
const INSTANCE = Symbol.for('TrackMate');

/** The page's URL when the stub queued `init`. */
let stubUrl: string | undefined;

/**
 * Methods that are never queued. `fallback` loads the core where the page's policy forbids
 * WebAssembly.
 */
const immediateMethods = (fallback: () => Promise<Compile>): Record<string, (...args: any[]) => unknown> => ({
  init(companyId: string, apiUrl: string, options?: InitOptions) {
    if (!companyId || !apiUrl) return warn('init needs a company id and an address');
    let url = String(apiUrl);
    while (url.endsWith('/')) url = url.slice(0, -1);
    url += options?.path ?? '/api';
    if (company) {
      ignoreRepeatedView();
      return warn('init was called before');
    }
    configure(String(companyId), url, options);
    listen(window, 'pagehide', onPagehide);
    listen(window, 'pagehide', finishPagehide);
    attempt(ensurePagehide);
    const from = stubUrl;
    const view = guard((page?: PageFacts) => settings.pageViews && callOrQueue('trackPageView', [], Date.now(), page));
    attempt(() => watchHistory(from, () => isViewed() || view()));
    view(pageFacts(from));
    const { prerendering } = document as Document & { prerendering?: boolean };
    // A prerendered page starts when the visitor opens it, which may be never.
    if (prerendering) listen(document, 'prerenderingchange', () => start(fallback));
    else start(fallback);
  },
  getSessionId() {
    openCore(compile);
    takeDeferred();
    return core ? currentSession(core, currentPage().entryUrl!) : '';
  },
  getAnonymousId() {
    openCore(compile);
    takeDeferred();
    return getAnonymousId();
  },
  on,
});

export function create(fallback: () => Promise<Compile>): TrackMate {
  const page = globalThis as { [INSTANCE]?: TrackMate };
  if (page[INSTANCE]) return page[INSTANCE];
  const api = immediateMethods(fallback);
  /** Makes the calls that the stub has queued. */
  api.repeat = (calls: Early<string>[]) => {
    for (const [name, at, args, resolve, url] of calls.splice(0)) {
      stubUrl = url;
      const value = safely(name, () =>
        methods[name] ? callOrQueue(name, args, at, url ? pageFacts(url) : undefined) : api[name]!(...args),
      );
      resolve?.(value);
    }
    stubUrl = undefined;
  };
  for (const name of [...Object.keys(api), ...Object.keys(methods)]) {
    const method = api[name];
    api[name] = (...args) => {
      if (typeof document !== 'undefined') {
        return safely(name, () => (method ? method(...args) : callOrQueue(name, args, Date.now())));
      }
      if (name === 'init' && 'importScripts' in globalThis) warn('does nothing in a worker');
      return SERVER_RESULTS[name]?.();
    };
  }
  return (page[INSTANCE] = api as unknown as TrackMate);
}
