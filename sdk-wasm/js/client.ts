// The object that pages call. It never throws into the page.

import { compile, type Compile } from './core';
import type { Early } from './early';
import { NOTHING, safely } from './errors';
import { core } from './instance';
import { leave, leaveAfterAll, open, start } from './lifecycle';
import { methods } from './calls';
import { askWhileLoading, type Facts, facts, isViewed, watchHistory, where } from './page';
import { call, initAgain } from './replay';
import { settle } from './schedule';
import { company, configure, settings } from './settings';
import { attempt } from './store';
import { guard, listen, on, warn } from './talk';
import type { InitOptions, TrackMate } from './trackmate';
import { anonymous, visit } from './visitor';

/** By this name a page's one SDK is found by whatever else of it is loaded there. */
const MARK = Symbol.for('TrackMate');

/** Where the stub was when `init` was called. */
let began: string | undefined;

/** Calls besides those of `methods`. `fallback` where the page's policy lets no WebAssembly run. */
const ownMethods = (fallback: () => Promise<Compile>): Record<string, (...args: any[]) => unknown> => ({
  init(companyId: string, apiUrl: string, options?: InitOptions) {
    if (!companyId || !apiUrl) return warn('init needs a company id and an address');
    let url = String(apiUrl);
    while (url.endsWith('/')) url = url.slice(0, -1);
    url += options?.path ?? '/api';
    if (company) {
      initAgain();
      return warn('init was called before');
    }
    configure(String(companyId), url, options);
    listen(window, 'pagehide', leave);
    listen(window, 'pagehide', leaveAfterAll);
    attempt(askWhileLoading);
    const from = began;
    const view = guard((page?: Facts) => settings.pageViews && call('trackPageView', [], Date.now(), page));
    attempt(() => watchHistory(from, () => isViewed() || view()));
    view(facts(from));
    const { prerendering } = document as Document & { prerendering?: boolean };
    // A page that nobody looks at yet, and maybe never will.
    if (prerendering) listen(document, 'prerenderingchange', () => start(fallback));
    else start(fallback);
  },
  getSessionId() {
    open(compile);
    settle();
    return core ? visit(core, where().came!) : '';
  },
  getAnonymousId() {
    open(compile);
    settle();
    return anonymous();
  },
  on,
});

export function create(fallback: () => Promise<Compile>): TrackMate {
  const page = globalThis as { [MARK]?: TrackMate };
  if (page[MARK]) return page[MARK];
  const api = ownMethods(fallback);
  /** Makes the calls that the stub has queued. */
  api.repeat = (calls: Early<string>[]) => {
    for (const [name, at, args, resolve, url] of calls.splice(0)) {
      began = url;
      const value = safely(name, () => (methods[name] ? call(name, args, at, url ? facts(url) : undefined) : api[name]!(...args)));
      resolve?.(value);
    }
    began = undefined;
  };
  for (const name of [...Object.keys(api), ...Object.keys(methods)]) {
    const method = api[name];
    api[name] = (...args) => {
      if (typeof document !== 'undefined') return safely(name, () => (method ? method(...args) : call(name, args, Date.now())));
      if (name === 'init' && 'importScripts' in globalThis) warn('does nothing in a worker');
      return NOTHING[name]?.();
    };
  }
  return (page[MARK] = api as unknown as TrackMate);
}
