// The object that pages call, and the rim around the decisions: it keeps the texts, and carries out what the core decides with
// localStorage, fetch, timers and the page's events. It decides nothing that the core could, and never throws into the page.

import type { Compile, Core, Host } from './core';
import type { CallOptions, Consent, Events, InitOptions, TrackMate, Traits } from './trackmate';
import { campaignOf, contextOf, type Facts, facts, moved, pathOf } from './page';
import { attempt, claim, get, owns, release, remove, set, under } from './store';

/** A call that waits for the core, or that an earlier page or the loader stub left: name, time, arguments, and who awaits it. */
export type Early = [name: string, at: number, args: unknown[], resolve?: (value: unknown) => void];

/** The text of a call, which the core knows by number. */
interface Kept {
  owner: string;
  /** Owner and number: the storage key, and the message id unless the caller chose one. */
  name: string;
  identify: boolean;
  session: string;
  context: string;
  text: string;
}

interface Answer {
  success?: boolean;
  profileId?: string;
  code?: string;
  message?: string;
  rejected?: { code: string; message: string }[];
}

/** Fields of identify's request that are not traits. */
const RESERVED = ['company_id', 'sessionId', 'timestamp', 'messageId', 'sentAt'];
/** What is waited for, and so returns a promise at once. */
const AWAITED = ['identify', 'flush'];
/** What becomes an event, and may wait for the end of the page's task. */
const TRACKS = ['trackPageView', 'track', 'group', 'alias'];
/** What calls say on a server, where nothing happens. */
const NOTHING: Record<string, () => unknown> = {
  identify: async () => ({ profileId: '' }),
  flush: async () => true,
  getSessionId: () => '',
  getAnonymousId: () => '',
  on: () => () => {},
};
const CONSENTS: Consent[] = ['granted', 'denied', 'pending'];
/** By `core::Taken`, from 3 on, and `core::End`, from 2 on. */
const LOST = ['dropped', 'withheld', 'too_large', 'bad_name'];
/** By `session::Visit`, from 2 on. */
const BEGUN = ['first', 'ended', 'campaign'] as const;
/** Own calls are numbered from here on; those left by earlier pages, which go first, from 1. */
const FIRST = 1 << 24;
/** Longest `setTimeout` that browsers take. */
const TIMEOUT_MAX = 2 ** 31 - 1;

const encoder = new TextEncoder();
const now = () => performance.now();
const iso = (time: number) => new Date(time).toJSON();
const size = (text: string) => encoder.encode(text).length;
const noise = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');
/** A page's name: sorts by time. */
const fresh = () => Date.now().toString(36) + noise();
const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

export function create(compile: Compile, fallback: () => Promise<Compile>): TrackMate {
  let core: Core | undefined;
  let company = '';
  let base = '';
  let settings: InitOptions = {};
  let ready = false;
  let agreed = false;
  let owner = '';
  let early: Early[] = [];
  let calls = FIRST;
  let restored = 0;
  let stamped = 0;
  let numbers = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let planned = Infinity;
  let viewed: string | undefined;
  const texts = new Map<number, Kept>();
  let envelopes: { text: string; bytes: number; number: number }[] = [];
  const promises = new Map<number, { resolve(value: { profileId: string }): void; reject(error: Error): void }>();
  const flushes = new Set<{ upTo: number; resolve(all: boolean): void }>();
  const listeners: { [Name in keyof Events]?: Set<(detail: Events[Name]) => void> } = {};

  const say = (...words: unknown[]) => settings.debug && console.debug('TrackMate:', ...words);
  const warn = (problem: unknown) => console.warn(`TrackMate: ${problem instanceof Error ? problem.message : String(problem)}`);

  /** Later, so that a listener may call the SDK. */
  function emit<Name extends keyof Events>(name: Name, detail: Events[Name]) {
    say(name, detail);
    for (const fn of listeners[name] ?? []) setTimeout(fn, 0, detail);
  }

  function lose(code: string, message: string, lost = 1) {
    warn(`${message} (${code})`);
    emit('error', { code, message, calls: lost });
  }

  // What the core asks for.

  let put: number[] = [];
  let marks: string[] = [];
  let answer: Answer | undefined;
  let ended: number[] = [];
  let session = '';
  let spelled = '';

  const host: Host = {
    keep(id) {
      const { name, identify, session, context, text } = texts.get(id)!;
      return set(`queue.${company}.${name}`, [identify ? 'i' : 'e', session, context, text].join('\n'));
    },
    put: (id) => void put.push(id),
    send(request, how) {
      const carried = put.splice(0).map((id) => texts.get(id)!);
      const { identify, session, context } = carried[0]!;
      const all = carried.map(({ text }) => text).join();
      const calls = identify ? all.slice(1, -1) : `"events":[${all}]${context && `,"context":${context}`}`;
      const body = `{"company_id":${JSON.stringify(company)},"sessionId":"${session}",${calls},"sentAt":"${iso(Date.now())}"}`;
      const url = `${base}/${identify ? 'profile' : 'events'}${settings.cookie ? `?visitor=${anonymous()}` : ''}`;
      say('sends', carried.length, 'calls,', body.length, 'characters,', how ? 'in parting' : '');
      return Number(how ? handOver(url, body) : post(url, body, request));
    },
    away: (id) => void marks.push(texts.get(id)!.name),
    done(id, end) {
      const { name, identify } = texts.get(id)!;
      texts.delete(id);
      remove(`queue.${company}.${name}`);
      ended[end] = (ended[end] ?? 0) + 1;
      const promise = identify && promises.get(id);
      if (!promise) return;
      promises.delete(id);
      if (!end) promise.resolve({ profileId: answer?.profileId ?? '' });
      else if (end < 2) promise.reject(failure(answer?.code ?? 'refused', answer?.message ?? 'refused'));
      else promise.reject(failure(LOST[end - 2]!, 'the call was dropped'));
    },
    pause: (ms) => void set(`pause.${company}`, String(Date.now() + ms)),
    random: () => crypto.getRandomValues(new Int32Array(1))[0]!,
    read: (place) => session.charCodeAt(place),
    write: (byte) => void (spelled += String.fromCharCode(byte)),
  };

  /** A page that goes has no answer to wait for, only the browser's word that it took the request. */
  function handOver(url: string, body: string): boolean {
    if (attempt(() => navigator.sendBeacon(url, body))) return true;
    // Where there is fetchLater, it has room of its own beside the beacons'.
    const later = (window as unknown as { fetchLater?: (url: string, init: RequestInit) => unknown }).fetchLater;
    return attempt(() => later!(url, { method: 'POST', body })) !== undefined;
  }

  function post(url: string, body: string, request: number): boolean {
    // A string is sent as text/plain: to another origin, too, without asking first.
    const sent = attempt(() => fetch(url, { method: 'POST', body, keepalive: true }));
    sent?.then(
      async (response) => {
        const wish = response.headers.get('retry-after');
        const wait = wish ? Number(wish) * 1000 || Date.parse(wish) - Date.now() : 0;
        answered(request, response.status, wait, await response.json().catch(() => undefined));
      },
      () => answered(request, 0, 0),
    );
    return sent !== undefined;
  }

  function answered(request: number, status: number, wait: number, body?: Answer) {
    answer = body;
    const verdict = core!.answered(now(), request, status, body?.success === true, wait);
    say('answer', status, ['delivered', 'tried again later', 'refused', 'too late'][verdict]);
    for (const { code, message } of (verdict === 0 && body?.rejected) || []) lose(code, message);
    if (verdict === 0) adopt();
    run();
  }

  /** Comes again when the core has something to do. Never at once: the page's own task goes first, and its calls share a request. */
  function arm() {
    const next = core!.next();
    if (next === planned) return;
    planned = next;
    clearTimeout(timer);
    if (next < Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), TIMEOUT_MAX));
  }

  /** Lets the core do what is due, and tells who waits for it. */
  function run() {
    planned = Infinity;
    core!.wake(now());
    arm();
    const [delivered, refused, ...lost] = ended;
    ended = [];
    if (delivered) emit('delivered', { calls: delivered });
    if (refused) lose(answer?.code ?? 'refused', answer?.message ?? 'the server refused', refused);
    lost.forEach((calls, why) => calls && lose(LOST[why]!, 'the call was dropped', calls));
    for (const flush of flushes) {
      const progress = core!.progress(now(), flush.upTo);
      if (progress === 1) continue;
      flushes.delete(flush);
      flush.resolve(!progress);
    }
    for (const [id, { reject }] of promises) {
      if (core!.progress(now(), id) < 3) continue;
      promises.delete(id);
      reject(failure('unreachable', 'TrackMate cannot be reached; the call is kept and sent when it can'));
    }
  }

  // Sessions and ids.

  /** Whether the browser says no for the visitor, by GPC or DNT. */
  function refuses(): boolean {
    const { globalPrivacyControl, doNotTrack } = navigator as Navigator & { globalPrivacyControl?: boolean };
    const { respectGpc = true, respectDnt } = settings;
    return (respectGpc && globalPrivacyControl) || (respectDnt && doNotTrack === '1') || false;
  }

  /** What `core.visit` was last asked; asked the same, it says the same. */
  let asked = '';
  function visit(anew?: 'reset'): string {
    if (!core) return '';
    const kept = agreed ? get('session') : '';
    const nowS = Math.floor(Date.now() / 1000);
    const question = `${(session = kept || session)}/${nowS}/${agreed && !kept}/${settings.sessionPerCampaign && location.search}`;
    if (question !== asked) {
      const campaign = settings.sessionPerCampaign ? JSON.stringify(campaignOf(location.href) ?? '') : '""';
      let hash = 0;
      for (const char of campaign.slice(2)) hash = (hash * 31 + char.charCodeAt(0)) | 0;
      spelled = '';
      const why = core.visit(nowS, hash);
      session = spelled;
      if (agreed && session !== kept) set('session', session);
      asked = `${session}/${nowS}/false/${settings.sessionPerCampaign && location.search}`;
      if (why > 1) emit('session', { sessionId: session.split(' ')[0]!, reason: anew ?? BEGUN[why - 2]! });
    }
    return session.split(' ')[0]!;
  }

  let unkept = '';
  let read = -1;
  function anonymous(): string {
    const second = Math.floor(Date.now() / 1000);
    if (read === second && unkept) return unkept;
    read = second;
    const kept = agreed ? get('anonymous') : '';
    // A cookie set by a server of the site outlives what browsers leave in a script's storage.
    unkept = kept || (agreed && settings.cookie && /(?:^|; )trackmate_id=([\w-]+)/.exec(document.cookie)?.[1]) || unkept || noise();
    if (agreed && !kept) set('anonymous', unkept);
    return unkept;
  }

  function forgetVisitor() {
    unkept = '';
    remove('anonymous');
    if (settings.cookie) document.cookie = 'trackmate_id=;path=/;max-age=0';
  }

  // Calls.

  let context = '';
  let contextFor = '';
  function describe(url: string, page?: Facts): string {
    const id = anonymous();
    const of = id + url.split('#')[0];
    if (of !== contextFor) {
      contextFor = of;
      context = contextOf(page ?? facts(), id);
      if (!core!.fits(size(context))) context = JSON.stringify({ anonymousId: id });
    }
    return context;
  }

  /** Tracked in this task of the page. What has to be copied has been; the rest is done before the task ends, when the page's own code has. */
  let drafts: (() => void)[] = [];
  function settle() {
    for (const draft of drafts.splice(0)) attempt(draft);
  }

  /** `body`: members of a JSON object. */
  function take(identify: boolean, nameChars: number, at: number, body: string, options?: CallOptions, url = location.href, page?: Facts): number {
    const id = ++calls;
    const name = `${owner}.${id - FIRST}`;
    const { timestamp, messageId } = options ?? {};
    // Strictly later than the call before, whatever the clock's grain; a clock that was set back by more is believed.
    stamped = at > stamped || at < stamped - 1000 ? at : stamped + 1;
    let time = timestamp === undefined ? iso(stamped) : iso(new Date(timestamp).getTime());
    if (!time) {
      warn(`not a time: ${String(timestamp)}`);
      time = iso(stamped);
    }
    const text = `{${body && `${body},`}"timestamp":"${time}","messageId":${JSON.stringify(String(messageId ?? name))}}`;
    const kept = { owner, name, identify, session: visit(), context: identify ? '' : describe(url, page), text };
    texts.set(id, kept);
    const taken = core!.track(now(), id, identify, nameChars, size(text), ...envelope(kept));
    say(text, ['is kept on disk', 'is kept in memory', 'waits for consent'][taken] ?? 'is dropped');
    arm();
    if (taken < 3) return id;
    texts.delete(id);
    const code = LOST[taken - 2]!;
    if (taken > 3) lose(code, 'the call was not taken');
    throw failure(code, 'the call was not taken');
  }

  /** By number: what calls of one request share, and the bytes of its body besides them. */
  function envelope({ session, context }: Kept): [overhead: number, number: number] {
    const text = session + context;
    let known = envelopes.find((known) => known.text === text);
    if (!known) {
      known = { text, bytes: size(text) + 200, number: numbers++ };
      // The latest few: a single-page site may have any number. One that comes again is another one.
      envelopes = [known, ...envelopes.slice(0, 9)];
    }
    return [known.bytes, known.number];
  }

  function event(name: unknown, data: object | undefined, at: number, page?: Facts, options?: CallOptions) {
    const eventType = String(name ?? '').trim();
    const body = `"eventType":${JSON.stringify(eventType)},"eventData":${JSON.stringify({ ...data })}`;
    const url = page?.url ?? location.href;
    if (!drafts.length) queueMicrotask(settle);
    drafts.push(() => take(false, [...eventType].length, at, body, options, url, page));
  }

  const methods: Record<string, (at: number, page: Facts | undefined, ...args: any[]) => unknown> = {
    trackPageView(at, page = facts()) {
      viewed = pathOf(page.url);
      event('page_view', { address: page.url, title: page.title, referrer: page.referrer, path: viewed }, at, page);
    },
    track(at, page, name: string, data?: object, options?: CallOptions) {
      event(name, data, at, page, options);
    },
    group(at, page, groupId: string, traits?: object, options?: CallOptions) {
      event('group', { groupId, traits }, at, page, options);
    },
    alias(at, page, userId: string, options?: CallOptions) {
      event('alias', { userId }, at, page, options);
    },
    async identify(at, _page, traits: Traits, options?: CallOptions) {
      const told = Object.entries(traits).filter(([name]) => !RESERVED.includes(name));
      const id = take(true, 1, at, JSON.stringify(Object.fromEntries(told)).slice(1, -1), options);
      return new Promise((resolve, reject) => promises.set(id, { resolve, reject }));
    },
    async flush() {
      core!.flush(now());
      return new Promise((resolve) => {
        flushes.add({ upTo: calls, resolve });
        run();
      });
    },
    reset(_at, _page, options?: { keepAnonymousId?: boolean }) {
      remove('session');
      session = '';
      if (!options?.keepAnonymousId) forgetVisitor();
      visit('reset');
    },
    consent(_at, _page, decision: Consent) {
      const decided = refuses() ? 1 : CONSENTS.indexOf(decision);
      agreed = decided === 0;
      if (decided === 1) {
        remove('session');
        forgetVisitor();
      }
      core!.consent(now(), decided);
      setTimeout(run);
    },
  };

  /** Makes a call, now or when the core is there. */
  function call(name: string, args: unknown[], at: number, page?: Facts): unknown {
    if (ready) {
      if (!TRACKS.includes(name)) settle();
      return methods[name]!(at, page, ...args);
    }
    // A copy: the page may go on changing what it passed.
    const entry: Early = [name, at, JSON.parse(JSON.stringify(args))];
    early.push(entry);
    return AWAITED.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
  }

  /** Makes calls that were made before, here or (then with what that page was) on an earlier page. */
  function repeat(entries: Early[], page?: Facts) {
    for (const [name, at, args, resolve] of entries) {
      const value = attempt(() => (methods[name] ? call(name, args, at, page) : api[name]!(...args)));
      if (resolve) resolve(value);
      else if (value instanceof Promise) value.catch(() => {});
    }
  }

  // The queues of pages that are gone.

  /** What this page owned when it went. */
  let left: string[] = [];

  function adopt() {
    if (left.length) return; // The page is not back yet: what it left is its own, unless somebody else was quicker.
    const away = new Map<string, number>();
    for (const by of under(`away.${company}.`)) {
      const [until, ...names] = get(`away.${company}.${by}`).split(' ');
      const left = Number(until) - Date.now();
      if (left > 0 && left < 60_000) names.forEach((name) => away.set(name, left));
      else remove(`away.${company}.${by}`);
    }
    const names = under(`queue.${company}.`);
    for (const of of new Set(names.map((name) => name.split('.')[0]!))) {
      if (owns(of)) continue;
      claim(of, owner, () => {
        // Read again: who owned it until now may have sent some.
        const left = under(`queue.${company}.`).filter((name) => name.startsWith(`${of}.`));
        say('takes over', left.length, 'calls of an earlier page');
        left.sort((a, b) => Number(a.split('.')[1]) - Number(b.split('.')[1])).forEach((name) => restore(of, name, away.get(name) ?? 0));
        run();
      });
    }
  }

  function restore(of: string, name: string, awayMs: number) {
    const [kind, session = '', context = '', text] = get(`queue.${company}.${name}`).split('\n');
    if (!text) return;
    const kept: Kept = { owner: of, name, identify: kind === 'i', session, context, text };
    texts.set(++restored, kept);
    core!.restore(now(), restored, kept.identify, size(text), ...envelope(kept), awayMs);
  }

  // The page's own life.

  function leave() {
    if (!ready) {
      // What waits for the core would be lost: leave it as the stub leaves its own, for the next page.
      if (early.length && company && !settings.consent && !refuses()) {
        set('early', JSON.stringify([...JSON.parse(get('early') || '[]'), [company, facts(), early.splice(0)]]));
      }
      return;
    }
    core!.part(now(), true);
    if (marks.length) set(`away.${company}.${owner}`, [Date.now() + 10_000, ...marks].join(' '));
    marks = [];
    left = release();
  }

  /** The page came back out of the browser's cache: what it owned may be somebody else's by now. */
  function comeBack() {
    for (const of of left.splice(0)) {
      const mine = () => [...texts].filter(([, kept]) => kept.owner === of);
      const drop = (gone: (name: string) => boolean) =>
        mine().forEach(([id, { name }]) => gone(name) && (texts.delete(id), core!.forget(id)));
      claim(
        of,
        owner,
        () => drop((name) => !get(`queue.${company}.${name}`)),
        () => {
          drop(() => true);
          if (of !== owner) return;
          owner = fresh();
          own();
        },
      );
    }
    if (settings.pageViews) call('trackPageView', [], Date.now());
    run();
  }

  function own() {
    claim(owner, owner, () => {});
  }

  /** A single-page site has gone somewhere: a page view if it is another path. */
  function watchHistory() {
    const look = () => {
      if (location.pathname !== viewed) call('trackPageView', [], Date.now());
    };
    for (const name of ['pushState', 'replaceState'] as const) {
      const change = history[name];
      history[name] = function (this: History, ...args) {
        const from = location.href;
        change.apply(this, args);
        if (location.href !== from) moved(from);
        setTimeout(look); // The site has yet to set the title.
      };
    }
    addEventListener('popstate', () => setTimeout(look));
    look();
  }

  function begin() {
    ready = true;
    core!.open(now(), settings.batchSize ?? 0, settings.flushInterval ?? 0, Number(get(`pause.${company}`)) - Date.now());
    core!.online(now(), navigator.onLine);
    call('consent', [settings.consent ?? 'granted'], 0);
    own();
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) core!.part(now(), false);
      else adopt();
      run();
    });
    addEventListener('pageshow', (event) => event.persisted && comeBack());
    for (const name of ['online', 'offline']) {
      addEventListener(name, () => {
        core!.online(now(), navigator.onLine);
        run();
      });
    }
    // A navigation that begins is the last moment at which an answer may still come back to this page.
    (window as unknown as { navigation?: EventTarget }).navigation?.addEventListener('navigate', (event) => {
      if ((event as unknown as { destination: { sameDocument: boolean } }).destination.sameDocument) return;
      core!.part(now(), false);
      run();
    });
    // Asked for first: an exception is dear on a page that has just begun.
    const saved = attempt(() => JSON.parse(get('early') || '[]')) ?? [];
    remove('early');
    for (const [of, page, entries] of saved) {
      if (of === company) repeat(entries.filter(([name]: Early) => methods[name]), page);
    }
    repeat(early.splice(0));
    if (settings.pageViews) watchHistory();
    adopt();
  }

  function load(then: () => void) {
    if (core) return then();
    const start = (compile: Compile) => {
      core = compile(host);
      owner = fresh();
      then();
    };
    try {
      start(compile);
    } catch (refused) {
      if (core) throw refused;
      // A Content-Security-Policy without 'wasm-unsafe-eval', or a browser without WebAssembly.
      fallback().then(start, (error) => lose('unavailable', `the SDK could not be loaded: ${error}`, early.length));
    }
  }

  const api: Record<string, (...args: any[]) => unknown> = {
    init(companyId: string, apiUrl: string, options?: InitOptions) {
      const url = String(apiUrl).replace(/\/+$/, '') + (options?.path ?? '/api');
      if (!companyId || !apiUrl) return warn('init needs a company id and the address of TrackMate');
      if (company) {
        if (company !== companyId || base !== url) warn('init was called before, with another company or address: ignored');
        return;
      }
      [company, base, settings] = [String(companyId), url, { ...options }];
      addEventListener('pagehide', leave);
      const start = () => load(begin);
      const { prerendering } = document as Document & { prerendering?: boolean };
      // A page that nobody looks at yet, and maybe never will.
      if (prerendering) document.addEventListener('prerenderingchange', start, { once: true });
      else start();
    },
    getSessionId() {
      load(() => {});
      settle();
      return visit();
    },
    getAnonymousId() {
      settle();
      return anonymous();
    },
    on(name: string, fn: unknown) {
      const all = ((listeners as Record<string, Set<unknown>>)[name] ??= new Set());
      all.add(fn);
      return () => void all.delete(fn);
    },
    repeat,
  };
  for (const name of Object.keys(methods)) api[name] = (...args) => call(name, args, Date.now());
  for (const [name, method] of Object.entries(api)) {
    const nothing = NOTHING[name] ?? (() => {});
    api[name] = (...args) => {
      if (typeof document === 'undefined') return nothing();
      try {
        return method(...args);
      } catch (error) {
        if (AWAITED.includes(name)) return Promise.reject(error);
        warn(error);
        return nothing();
      }
    };
  }
  return api as unknown as TrackMate;
}
