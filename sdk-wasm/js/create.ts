// The object that pages call, and the rim around the decisions: it keeps the texts, and carries out what the core decides with
// localStorage, fetch, timers and the page's events. It decides nothing that the core could, and never throws into the page.

import type { Compile, Core, Host } from './core';
import { type Early, Most } from './early';
import { json } from './json';
import { type Answer, handOver, post } from './network';
import { ageOf, found, fresh, type Kept, nameOf, type Note, place, spell } from './notes';
import { askWhileLoading, browser, BROWSER_BYTES_MAX, contextOf, type Facts, facts, isViewed } from './page';
import { returned, size, titleNow, viewedBefore, viewOf, watchHistory, where } from './page';
import { attempt, claim, get, owns, release, remove, set, under } from './store';
import { configure, emit, guard, listen, lose, on, say, settings, warn } from './talk';
import type { CallOptions, Consent, InitOptions, TrackMate, Traits } from './trackmate';
import { anonymous, anonymousId, decide, decision, refuses, renew, visit } from './visitor';

/** What calls of one request share, the bytes of the request's body besides the calls, and its number. */
interface Envelope {
  session: string;
  context: string;
  bytes: number;
  alike: number;
}

/** Fields of identify's request that are not traits. */
const RESERVED = ['company_id', 'sessionId', 'timestamp', 'messageId', 'sentAt'];
/** What is waited for, and so returns a promise at once. */
const AWAITED = ['identify', 'flush'];
/** What becomes an event, and may wait a moment. */
const TRACKS = ['trackPageView', 'track', 'group', 'alias'];
/** What calls say on a server, where nothing happens. */
const NOTHING: Record<string, () => unknown> = {
  identify: async () => ({ profileId: '' }),
  flush: async () => true,
  getSessionId: () => '',
  getAnonymousId: () => '',
  on: () => () => {},
};
/** By `core::Taken`, from 2 on, and `core::End`, from 2 on. */
const LOST = ['dropped', 'withheld', 'too_large', 'bad_name'];
/** Own calls are numbered from here on; those left by earlier pages, which go first, from 1. */
const FIRST = 1 << 24;
/** A page that tracks without end has its calls written down this often, those of the time between together … */
const WRITE_MS = 500;
/** … and each call at once as long as it has not made so many of these in a row. */
const WRITES_AT_ONCE = 2;
/** A page claims its queue when it first sends, but no later than this after its first call: most of a visit's pages are gone before … */
const OWN_MS = 5_000;
/** … so others leave a queue without an owner alone as long as its page is younger than this. */
const YOUNG_MS = 15_000;
/** Characters of a page's context that need not be measured: with the browser's the server takes 4,096 bytes. */
const SHORT = 1_000;
/** Longest `setTimeout` that browsers take. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/** Pages have a `performance` of their own. */
const clock = attempt(() => performance.now() >= 0) ? performance : Date;
const now = () => clock.now();
/** A time for the server, which takes small numbers for seconds. */
const stamp = (ms: number) => (ms < 1e11 ? `"${new Date(ms).toISOString()}"` : ms);
/** By this name a page's one SDK is found by whatever else of it is loaded there. */
const MARK = Symbol.for('TrackMate');
const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

/** `compile` at once, `prepare` soon, `fallback` where the page's policy lets no WebAssembly run. */
export function create(compile: Compile, prepare: () => Promise<Compile>, fallback: () => Promise<Compile>): TrackMate {
  const page = globalThis as { [MARK]?: TrackMate };
  if (page[MARK]) return page[MARK];
  let core: Core | undefined;
  let make = compile;
  let company = '';
  let base = '';
  /** Whether `init` was called, on a page that somebody looks at. */
  let wanted = false;
  let ready = false;
  let owner = '';
  let owned = false;
  const early: Early<Facts>[] = [];
  /** Whether `init` was called once more in this task: by a second snippet, or one that runs again, whose view may have been made. */
  let again = false;
  /** Where the stub was when `init` was called. */
  let began: string | undefined;
  let calls = FIRST;
  let restored = 0;
  let stamped = 0;
  let numbers = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let planned = Infinity;
  const texts = new Map<number, Kept>();
  let envelopes: Envelope[] = [];
  const promises = new Map<number, { resolve(value: { profileId: string }): void; reject(error: Error): void }>();
  const flushes = new Set<{ upTo: number; resolve(all: boolean): void }>();

  // What the core asks for.

  let put: number[] = [];
  let marks: string[] = [];
  let answer: Answer | undefined;
  let ended: number[] = [];

  const host: Host = {
    keep_: (id) => void unwritten.push(id),
    put_: (id) => void put.push(id),
    send_(request, how) {
      const carried = put.splice(0).map((id) => texts.get(id)!);
      const { identify, session, context } = carried[0]!;
      const all = carried.map(({ text }) => text).join();
      const calls = identify ? all.slice(1, -1) : `"events":[${all}],"context":${context.slice(0, -1)},${browser()}}`;
      const body = `{"company_id":${JSON.stringify(company)},"sessionId":"${session}",${calls},"sentAt":${stamp(Date.now())}}`;
      const url = `${base}/${identify ? 'profile' : 'events'}${settings.cookie ? `?visitor=${anonymous()}` : ''}`;
      say('sends', carried.length, 'calls,', body.length, 'characters,', how ? 'in parting' : '');
      return Number(how ? handOver(url, body) : post(url, body, (...answer) => answered(request, ...answer)));
    },
    away_: (id) => void marks.push(nameOf(texts.get(id)!)),
    done_(id, end) {
      const { identify, note } = forget(id);
      if (note) changed.add(note);
      ended[end] = (ended[end] ?? 0) + 1;
      const promise = identify && promises.get(id);
      if (!promise) return;
      promises.delete(id);
      if (!end) promise.resolve({ profileId: answer?.profileId ?? '' });
      else if (end < 2) promise.reject(failure(answer?.code ?? 'refused', answer?.message ?? 'refused'));
      else promise.reject(failure(LOST[end - 2]!, 'the call was dropped'));
    },
    pause_: (ms) => void set(`pause.${company}`, String(Date.now() + ms)),
    random_: () => crypto.getRandomValues(new Int32Array(1))[0]!,
  };
  // What is thrown through the core would leave it locked.
  const acts = host as unknown as Record<string, (...args: number[]) => unknown>;
  for (const [name, act] of Object.entries(acts)) acts[name] = (...args) => attempt(() => act(...args)) ?? 0;

  function forget(id: number): Kept {
    const kept = texts.get(id)!;
    texts.delete(id);
    kept.note?.calls.delete(kept);
    return kept;
  }

  /** Taken, and not written down yet. */
  let unwritten: number[] = [];
  /** What of these is over is still written down. */
  const changed = new Set<Note>();

  /** Brings the storage up to what has happened. */
  function write() {
    const ids = unwritten.splice(0);
    // One that was taken may have given way since.
    const calls = ids.flatMap((id) => texts.get(id) ?? []);
    if (calls[0]) {
      const note = { key: place(company, owner) + calls[0].number, calls: new Set(calls) };
      const done = set(note.key, spell(calls));
      say(calls.length, 'calls are kept', done ? 'on disk' : 'in memory');
      if (done) for (const call of calls) call.note = note;
      else for (const id of ids) core!.unkept_(id);
    }
    for (const { key, calls } of changed) calls.size ? set(key, spell(calls)) : remove(key);
    changed.clear();
  }

  const answered = guard((request: number, status: number, wait: number, body?: Answer) => {
    answer = body;
    const verdict = core!.answered_(now(), request, status, body?.success === true, wait);
    say('answer', status, ['delivered', 'again later', 'refused', 'too late'][verdict]);
    for (const { code, message } of (verdict === 0 && body?.rejected) || []) lose(code, message);
    if (verdict === 0) adopt();
    run();
  });

  /** Another core, as this one was ended in the middle of its work and is of no use any more. It is told of all that has no answer. */
  function revive() {
    const ended = core;
    try {
      [put, marks, unwritten] = [[], [], []];
      core = make(host);
      enter();
      for (const [id, kept] of texts) {
        restore(id, kept);
        if (!kept.note && !decision) unwritten.push(id);
      }
    } catch {
      // The stack is still full: next time.
      core = ended;
    }
  }

  function checkOnline() {
    if (isNaN(core!.next_())) revive();
    core!.online_(now(), navigator.onLine);
  }

  /** Comes again when the core has something to do. Never at once: the page's own task goes first, and its calls share a request. */
  function arm() {
    const next = core!.next_();
    if (next === planned) return;
    clearTimeout(timer);
    const most = owned ? TIMEOUT_MAX : OWN_MS;
    // At once where it was ended.
    if (next !== Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), most));
    planned = next;
  }

  /** Lets the core do what is due, and tells who waits for it. */
  const run = guard(() => {
    // What is about to be sent takes along what is not taken yet.
    if (planned <= now()) settle();
    if (!owned && !left.length) own();
    planned = Infinity;
    checkOnline();
    core!.wake_(now());
    // What is over can be struck along with the next calls, if they are about to come.
    if (!streams() || flushes.size) write();
    else if (changed.size) settling ??= setTimeout(catchUp, WRITE_MS);
    arm();
    const [delivered, refused, ...lost] = ended;
    ended = [];
    if (delivered) emit('delivered', { calls: delivered });
    if (refused) lose(answer?.code ?? 'refused', answer?.message ?? 'the server refused', refused);
    lost.forEach((calls, why) => calls && lose(LOST[why]!, 'the call was dropped', calls));
    for (const flush of flushes) {
      const progress = core!.progress_(now(), flush.upTo);
      if (progress === 1) continue;
      flushes.delete(flush);
      flush.resolve(!progress);
    }
    for (const [id, { reject }] of promises) {
      if (core!.progress_(now(), id) < 3) continue;
      promises.delete(id);
      reject(failure('unreachable', 'the server cannot be reached; the call is kept'));
    }
  });

  // Calls.

  let context = '';
  let contextFor = '';
  function describe(page: Facts): string {
    const of = [anonymousId, page.url.split('#')[0], page.referrer, page.came].join();
    if (of !== contextFor) {
      context = contextOf(page, anonymousId);
      if (context.length > SHORT && !core!.fits_(size(context) + BROWSER_BYTES_MAX)) context = json({ anonymousId });
      contextFor = of;
    }
    return context;
  }

  /** Tracked, and not taken yet. What has to be copied has been. */
  const drafts = new Set<(t: number) => unknown>();
  let settling: ReturnType<typeof setTimeout> | undefined;
  /** When all writes until now would have been made, half a second apart. */
  let paid = 0;

  /** Whether so much has been written that the next may wait. A hidden page's timers may never come. */
  const streams = () => paid - WRITES_AT_ONCE * WRITE_MS > now() && attempt(() => document.hidden) === false;

  /** The page's own task goes first; at the latest when it goes or hides, all is settled. */
  function draft(step: (t: number) => unknown) {
    if (!drafts.size) {
      if (streams()) settling ??= setTimeout(catchUp, WRITE_MS);
      else queueMicrotask(settle);
    }
    drafts.add(step);
  }

  const settle = guard(() => {
    clearTimeout(settling);
    settling = undefined;
    shared = undefined;
    if (!drafts.size && !changed.size) return;
    const t = now();
    paid = Math.max(paid, t) + WRITE_MS;
    for (const step of [...drafts]) {
      safely('', () => step(t));
      // Not before: where the browser ends the script in there, whoever comes next takes it again.
      drafts.delete(step);
    }
    write();
    arm();
  });

  /** What is due now goes in the same task: waking the browser's other processes is the dearest part of both. */
  function catchUp() {
    settle();
    if (planned <= now()) run();
  }

  /** The envelope of the page whose calls are being settled: for those of one moment it is looked up once. */
  let shared: { page: Facts; envelope: Envelope } | undefined;

  /** `body`: members of a JSON object. */
  function take(t: number, call: number, identify: boolean, nameChars: number, at: number, body: string, page: Facts, options?: CallOptions) {
    const number = call - FIRST;
    const { timestamp, messageId } = options ?? {};
    // Strictly later than the call before, whatever the clock's grain; a clock that was set back by more is believed.
    stamped = at > stamped || at < stamped - 1000 ? at : stamped + 1;
    let time = timestamp === undefined ? stamped : +new Date(timestamp);
    if (isNaN(time)) {
      warn(`not a time: ${String(timestamp)}`);
      time = stamped;
    }
    const name = messageId == null ? `"${owner}.${number}"` : JSON.stringify(String(messageId));
    const text = `{${body && `${body},`}"timestamp":${stamp(time)},"messageId":${name}}`;
    if (identify || shared?.page !== page) shared = { page, envelope: envelope(visit(core!, page.came ?? page.url), identify ? '' : describe(page)) };
    const { session, context, bytes, alike } = shared.envelope;
    texts.set(call, { owner, number, identify, session, context, text });
    const taken = core!.track_(t, call, identify, nameChars, size(text), bytes, alike);
    say(text, ['is taken', 'waits for consent'][taken] ?? 'is dropped');
    if (taken < 2) return;
    texts.delete(call);
    throw failure(LOST[taken - 1]!, 'the call was not taken');
  }

  function envelope(session: string, context: string): Envelope {
    let known = envelopes.find((known) => known.session === session && known.context === context);
    if (!known) {
      known = { session, context, bytes: size(session + context) + BROWSER_BYTES_MAX + 200, alike: numbers++ };
      // The latest few: a single-page site may have any number. One that comes again is another one.
      envelopes = [known, ...envelopes.slice(0, 9)];
    }
    return known;
  }

  function event(eventType: string, eventData: object | undefined, at: number, page: Facts, options?: CallOptions) {
    const body = json({ eventType, eventData: { ...eventData } }).slice(1, -1);
    const call = ++calls;
    draft((t) => texts.has(call) || take(t, call, false, [...eventType].length, at, body, page, options));
  }

  const methods: Record<string, (at: number, page: Facts, ...args: any[]) => unknown> = {
    trackPageView(at, page) {
      event('page_view', viewOf(page), at, page);
    },
    track(at, page, name: string, data?: object, options?: CallOptions) {
      event(String(name ?? '').trim(), data, at, page, options);
    },
    group(at, page, groupId: string, traits?: object, options?: CallOptions) {
      event('group', { groupId, traits }, at, page, options);
    },
    alias(at, page, userId: string, options?: CallOptions) {
      event('alias', { userId }, at, page, options);
    },
    async identify(at, page, traits: Traits, options?: CallOptions) {
      const told = Object.entries(traits).filter(([name]) => !RESERVED.includes(name));
      const call = ++calls;
      take(now(), call, true, 1, at, json(Object.fromEntries(told)).slice(1, -1), page, options);
      write();
      arm();
      return new Promise((resolve, reject) => promises.set(call, { resolve, reject }));
    },
    async flush() {
      core!.flush_(now());
      return new Promise((resolve) => {
        flushes.add({ upTo: calls, resolve });
        run();
      });
    },
    reset(_at, { came, url }, options?: { keepAnonymousId?: boolean }) {
      renew(core!, came ?? url, options?.keepAnonymousId);
    },
    consent(_at, _page, consent: Consent) {
      decide(consent);
      core!.consent_(now(), decision);
      write();
      setTimeout(run);
    },
  };

  /** Whatever is thrown is ours to say, and none of the page's. */
  function safely(name: string, run: () => unknown): unknown {
    let value;
    try {
      value = run();
    } catch (error) {
      const { code = 'invalid', message = String(error) } = Object(error);
      if (AWAITED.includes(name)) value = Promise.reject(failure(code, message));
      // A visitor who does not agree is no fault.
      else if (code !== 'withheld') lose(code, message);
    }
    // Nobody need await it.
    if (value instanceof Promise) value.catch(() => {});
    return value ?? NOTHING[name]?.();
  }

  /** What is left out is null as JSON. */
  function perform(name: string, at: number, page: Facts, args: unknown[]): unknown {
    if (!TRACKS.includes(name)) settle();
    return methods[name]!(at, page, ...args.map((arg) => arg ?? undefined));
  }

  /** Makes a call, now or when the core is there. */
  function call(name: string, args: unknown[], at: number, from?: Facts): unknown {
    if (name === 'trackPageView' && viewedBefore(from?.url) && again) return;
    const page = from ?? where();
    // A copy: the page may go on changing what it passed.
    const given: unknown[] = JSON.parse(json(args));
    if (ready) return perform(name, at, page, given);
    if (early.length >= Most.CALLS) throw failure('dropped', 'the call was dropped');
    const entry: Early<Facts> = [name, at, given, undefined, page];
    early.push(entry);
    return AWAITED.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
  }

  let passed = '';
  let seen: unknown;
  /** Makes the calls that waited here, or (then with what that page was) were left by an earlier page. */
  function repeat(entries: Early<Facts | string>[], of?: Facts) {
    for (; entries[0]; entries.shift()) {
      const [name, at, args, resolve, place] = entries[0];
      // An `init` that was left is a second snippet's.
      const twice = passed === 'init' && name === 'trackPageView' && seen === place;
      if (name === 'trackPageView') seen = place;
      passed = name;
      if (twice || !methods[name]) continue;
      const page = place && typeof place === 'object' ? place : { ...of!, url: place ?? of!.url };
      // It may have been too early for a title.
      if (!of) page.title ||= titleNow();
      const value = safely(name, () => perform(name, at, page, args));
      resolve?.(value);
    }
  }

  // The queues of pages that are gone.

  /** What this page owned when it went. */
  let left: string[] = [];

  function restore(id: number, { identify, session, context, text }: Kept, awayMs = 0) {
    const { bytes, alike } = envelope(session, context);
    core!.restore_(now(), id, identify, size(text), bytes, alike, awayMs);
  }

  let adopting: ReturnType<typeof setTimeout> | undefined;

  const adopt = guard(() => {
    if (left.length) return; // The page is not back yet: what it left is its own, unless somebody else was quicker.
    /** Pages that said so, and calls that they handed over. */
    const away = new Map<string, number>();
    const owners = new Set<string>();
    for (const key of under('')) {
      const [kind, of, by = ''] = key.split('.');
      if (of !== company) continue;
      if (kind === 'queue' && by !== owner && !owns(by)) owners.add(by);
      if (kind !== 'away') continue;
      const [until, ...names] = get(key).split(' ');
      const left = Number(until) - Date.now();
      if (left > 0 && left < 60_000) for (const name of [by, ...names]) away.set(name, left);
      else remove(key);
    }
    let wait = Infinity;
    for (const of of owners) {
      const young = YOUNG_MS - ageOf(of);
      if (young > 0 && young <= YOUNG_MS && !away.has(of)) {
        wait = Math.min(wait, young);
        continue;
      }
      claim(of, owner, () => {
        // Read now: who owned it until now may have sent some.
        const left = found(company, of);
        say('takes over', left.length, 'calls');
        for (const kept of left) {
          texts.set(++restored, kept);
          restore(restored, kept, away.get(nameOf(kept)));
        }
        run();
      });
    }
    clearTimeout(adopting);
    if (wait < Infinity) adopting = setTimeout(adopt, wait);
  });

  // The page's own life.

  /** Whether the page has begun to part and has not handed over all. */
  let parting = false;

  function leave() {
    parting = true;
    if (wanted) open(compile);
    if (!ready) {
      // What still waits for the core would be lost: leave it as the stub leaves its own, for the next page.
      if (early.length && company && !settings.consent && !refuses()) {
        const lines = early.splice(0).map((call) => json([[company, {}, [call]]]));
        set('early', [get('early'), ...lines].join('\t').slice(-Most.CHARS));
      }
      parting = false;
      return;
    }
    settle();
    checkOnline();
    core!.part_(now(), true);
    parting = false;
    write();
    if ([...texts.values()].some(({ note }) => note)) set(`away.${company}.${owner}`, [Date.now() + 10_000, ...marks].join(' '));
    marks = [];
    left = [...new Set([owner, ...release()])];
  }

  /**
   * Firefox ends the script that runs as the last tab of a site closes, anywhere in it, and then calls the next listener. A core that was at work
   * is of no use any more: another one sends all that has no answer. What goes twice has the same message id.
   */
  function leaveAfterAll() {
    if (!parting) return;
    if (ready) {
      revive();
      repeat(early);
    }
    leave();
  }

  /** The page may be going: what waits goes now, while answers may still come. */
  function part() {
    settle();
    checkOnline();
    core!.part_(now(), false);
  }

  /** The page came back out of the browser's cache: what it owned may be somebody else's by now. */
  function comeBack() {
    owned = true;
    returned();
    for (const of of left.splice(0)) {
      const mine = () => [...texts].filter(([, kept]) => kept.owner === of);
      const drop = (left: Kept[]) => {
        const names = new Set(left.map(nameOf));
        for (const [id, kept] of mine()) {
          if (names.has(nameOf(kept))) continue;
          forget(id);
          core!.forget_(id);
        }
      };
      claim(
        of,
        owner,
        () => drop(found(company, of)),
        () => {
          drop([]);
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
    owned = true;
    claim(owner, owner, () => {});
  }

  function enter() {
    const { batchSize = 0, flushInterval = 0 } = settings;
    const asked = get(`pause.${company}`);
    // It begins with the defaults, and each function of the core that a start calls costs a page as much as all this.
    if (batchSize || flushInterval || asked || decision) core!.open_(now(), batchSize, flushInterval, Number(asked) - Date.now(), decision);
  }

  function begin() {
    ready = true;
    owner = fresh();
    decide(settings.consent ?? 'granted');
    enter();
    listen(document, 'visibilitychange', () => {
      if (document.hidden) part();
      else adopt();
      run();
    });
    listen(window, 'pageshow', ({ persisted }) => persisted && comeBack());
    for (const name of ['online', 'offline']) listen(window, name, run);
    // A navigation that begins is the last moment at which an answer may still come back to this page.
    listen((window as { navigation?: unknown }).navigation, 'navigate', ({ destination }) => {
      if (destination.sameDocument) return;
      part();
      run();
    });
    // Asked for first: an exception is dear on a page that has just begun.
    const saved = get('early');
    if (saved) {
      remove('early');
      for (const line of saved.split('\t').filter(Boolean)) {
        const calls = attempt(() => JSON.parse(line) as [string, Facts, Early<Facts>[]][]);
        if (!calls) lose('dropped', 'the call was dropped');
        for (const [of, page, entries] of calls ?? []) if (of === company) repeat(entries, page);
      }
    }
    repeat(early);
    adopt();
  }

  /** Makes the core, if there is none and a policy does not forbid it, and begins if `init` was called and nothing has begun. */
  function open(how: Compile) {
    if (!core && (core = attempt(() => how(host)))) make = how;
    if (core && wanted && !ready) begin();
  }

  function start() {
    wanted = true;
    if (core) return begin();
    // Firefox refuses a page that closes its first look at the storage.
    get('');
    // A Content-Security-Policy without 'wasm-unsafe-eval', or a browser without WebAssembly.
    const made = prepare().catch(fallback);
    made.then(open, (error) => lose('unavailable', `the SDK cannot be loaded: ${error}`, early.length)).catch(warn);
  }

  const api: Record<string, (...args: any[]) => unknown> = {
    init(companyId: string, apiUrl: string, options?: InitOptions) {
      if (!companyId || !apiUrl) return warn('init needs a company id and an address');
      let url = String(apiUrl);
      while (url.endsWith('/')) url = url.slice(0, -1);
      url += options?.path ?? '/api';
      if (company) {
        again = true;
        queueMicrotask(() => (again = false));
        return warn('init was called before');
      }
      [company, base] = [String(companyId), url];
      configure({ ...options });
      listen(window, 'pagehide', leave);
      listen(window, 'pagehide', leaveAfterAll);
      attempt(askWhileLoading);
      const from = began;
      const view = guard((page?: Facts) => settings.pageViews && call('trackPageView', [], Date.now(), page));
      attempt(() => watchHistory(from, () => isViewed() || view()));
      view(facts(from));
      const { prerendering } = document as Document & { prerendering?: boolean };
      // A page that nobody looks at yet, and maybe never will.
      if (prerendering) listen(document, 'prerenderingchange', start);
      else start();
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
    /** Makes the calls that the stub has queued. */
    repeat(calls: Early<string>[]) {
      for (const [name, at, args, resolve, url] of calls.splice(0)) {
        began = url;
        const value = safely(name, () => (methods[name] ? call(name, args, at, url ? facts(url) : undefined) : api[name]!(...args)));
        resolve?.(value);
      }
      began = undefined;
    },
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
