// The object that pages call, and the rim around the decisions: it keeps the texts, and carries out what the core decides with
// localStorage, fetch, timers and the page's events. It decides nothing that the core could, and never throws into the page.

import type { Compile, Core, Host } from './core';
import { type Answer, handOver, post } from './network';
import { ageOf, found, fresh, type Kept, nameOf, type Note, place, spell } from './notes';
import { askWhileLoading, browser, BROWSER_BYTES_MAX, contextOf, type Facts, facts, pathOf, size, watchHistory } from './page';
import { attempt, claim, get, owns, release, remove, set, under } from './store';
import { configure, emit, lose, on, say, settings, warn } from './talk';
import type { CallOptions, Consent, InitOptions, TrackMate, Traits } from './trackmate';
import { anonymous, anonymousId, decide, decision, refuses, renew, visit } from './visitor';

/** A call that waits for the core, or that an earlier page or the loader stub left: name, time, arguments, who awaits it, and where it was made. */
export type Early = [name: string, at: number, args: unknown[], resolve?: (value: unknown) => void, page?: Facts];

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

const now = () => performance.now();
const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

/** `compile` at once, `prepare` soon, `fallback` where the page's policy lets no WebAssembly run. */
export function create(compile: Compile, prepare: () => Promise<Compile>, fallback: () => Promise<Compile>): TrackMate {
  let core: Core | undefined;
  let make = compile;
  let company = '';
  let base = '';
  /** Whether `init` was called, on a page that somebody looks at. */
  let wanted = false;
  let ready = false;
  let owner = '';
  let owned = false;
  let early: Early[] = [];
  let calls = FIRST;
  let restored = 0;
  let stamped = 0;
  let numbers = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let planned = Infinity;
  let viewed: string | undefined;
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
    keep: (id) => void unwritten.push(id),
    put: (id) => void put.push(id),
    send(request, how) {
      const carried = put.splice(0).map((id) => texts.get(id)!);
      const { identify, session, context } = carried[0]!;
      const all = carried.map(({ text }) => text).join();
      const calls = identify ? all.slice(1, -1) : `"events":[${all}],"context":${context.slice(0, -1)},${browser()}}`;
      const body = `{"company_id":${JSON.stringify(company)},"sessionId":"${session}",${calls},"sentAt":${Date.now()}}`;
      const url = `${base}/${identify ? 'profile' : 'events'}${settings.cookie ? `?visitor=${anonymous()}` : ''}`;
      say('sends', carried.length, 'calls,', body.length, 'characters,', how ? 'in parting' : '');
      return Number(how ? handOver(url, body) : post(url, body, (...answer) => answered(request, ...answer)));
    },
    away: (id) => void marks.push(nameOf(texts.get(id)!)),
    done(id, end) {
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
    pause: (ms) => void set(`pause.${company}`, String(Date.now() + ms)),
    random: () => crypto.getRandomValues(new Int32Array(1))[0]!,
  };

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
      else for (const id of ids) core!.unkept(id);
    }
    for (const { key, calls } of changed) calls.size ? set(key, spell(calls)) : remove(key);
    changed.clear();
  }

  function answered(request: number, status: number, wait: number, body?: Answer) {
    answer = body;
    const verdict = core!.answered(now(), request, status, body?.success === true, wait);
    say('answer', status, ['delivered', 'tried again later', 'refused', 'too late'][verdict]);
    for (const { code, message } of (verdict === 0 && body?.rejected) || []) lose(code, message);
    if (verdict === 0) adopt();
    run();
  }

  function checkOnline() {
    core!.online(now(), navigator.onLine);
  }

  /** Comes again when the core has something to do. Never at once: the page's own task goes first, and its calls share a request. */
  function arm() {
    const next = core!.next();
    if (next === planned) return;
    planned = next;
    clearTimeout(timer);
    const most = owned ? TIMEOUT_MAX : OWN_MS;
    if (next < Infinity) timer = setTimeout(run, Math.min(Math.max(next - now(), 0), most));
  }

  /** Lets the core do what is due, and tells who waits for it. */
  function run() {
    // What is about to be sent takes along what is not taken yet.
    if (planned <= now()) settle();
    if (!owned && !left.length) own();
    planned = Infinity;
    checkOnline();
    core!.wake(now());
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

  // Calls.

  let context = '';
  let contextFor = '';
  function describe(page: Facts): string {
    const of = anonymousId + page.url.split('#')[0];
    if (of !== contextFor) {
      context = contextOf(page, anonymousId);
      if (context.length > SHORT && !core!.fits(size(context) + BROWSER_BYTES_MAX)) context = JSON.stringify({ anonymousId });
      contextFor = of;
    }
    return context;
  }

  /** Tracked, and not taken yet. What has to be copied has been. */
  let drafts: ((t: number) => unknown)[] = [];
  let settling: ReturnType<typeof setTimeout> | undefined;
  /** When all writes until now would have been made, half a second apart. */
  let paid = 0;

  /** Whether so much has been written that the next may wait. A hidden page's timers may never come. */
  const streams = () => paid - WRITES_AT_ONCE * WRITE_MS > now() && !document.hidden;

  /** The page's own task goes first; at the latest when it goes or hides, all is settled. */
  function draft(step: (t: number) => unknown) {
    if (!drafts[0]) {
      if (streams()) settling ??= setTimeout(catchUp, WRITE_MS);
      else queueMicrotask(settle);
    }
    drafts.push(step);
  }

  function settle() {
    clearTimeout(settling);
    settling = undefined;
    shared = undefined;
    if (!drafts.length && !changed.size) return;
    const t = now();
    paid = Math.max(paid, t) + WRITE_MS;
    for (const step of drafts) attempt(() => step(t));
    drafts = [];
    write();
    arm();
  }

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
    let time = timestamp === undefined ? stamped : new Date(timestamp).getTime();
    if (isNaN(time)) {
      warn(`not a time: ${String(timestamp)}`);
      time = stamped;
    }
    const name = messageId == null ? `"${owner}.${number}"` : JSON.stringify(String(messageId));
    const text = `{${body && `${body},`}"timestamp":${time},"messageId":${name}}`;
    if (identify || shared?.page !== page) shared = { page, envelope: envelope(visit(core!, page.url), identify ? '' : describe(page)) };
    const { session, context, bytes, alike } = shared.envelope;
    texts.set(call, { owner, number, identify, session, context, text });
    const taken = core!.track(t, call, identify, nameChars, size(text), bytes, alike);
    say(text, ['is taken', 'waits for consent'][taken] ?? 'is dropped');
    if (taken < 2) return;
    texts.delete(call);
    const code = LOST[taken - 1]!;
    if (taken > 2) lose(code, 'the call was not taken');
    throw failure(code, 'the call was not taken');
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

  /** Where the page is, as it was when it had come there. */
  let here: Facts | undefined;
  const where = () => (here?.url === document.URL ? here : (here = facts()));

  function event(eventType: string, eventData: object | undefined, at: number, page = where(), options?: CallOptions) {
    const body = JSON.stringify({ eventType, eventData: { ...eventData } }).slice(1, -1);
    const call = ++calls;
    draft((t) => texts.has(call) || take(t, call, false, [...eventType].length, at, body, page, options));
  }

  const methods: Record<string, (at: number, page: Facts | undefined, ...args: any[]) => unknown> = {
    trackPageView(at, page = (here = facts())) {
      viewed = pathOf(page.url);
      event('page_view', { address: page.url, title: page.title, referrer: page.referrer, path: viewed }, at, page);
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
    async identify(at, _page, traits: Traits, options?: CallOptions) {
      const told = Object.entries(traits).filter(([name]) => !RESERVED.includes(name));
      const call = ++calls;
      take(now(), call, true, 1, at, JSON.stringify(Object.fromEntries(told)).slice(1, -1), where(), options);
      write();
      arm();
      return new Promise((resolve, reject) => promises.set(call, { resolve, reject }));
    },
    async flush() {
      core!.flush(now());
      return new Promise((resolve) => {
        flushes.add({ upTo: calls, resolve });
        run();
      });
    },
    reset(_at, _page, options?: { keepAnonymousId?: boolean }) {
      renew(core!, options?.keepAnonymousId);
    },
    consent(_at, _page, consent: Consent) {
      decide(consent);
      core!.consent(now(), decision);
      write();
      setTimeout(run);
    },
  };

  /** Makes a call, now or when the core is there. */
  function call(name: string, args: unknown[], at: number, page?: Facts): unknown {
    if (ready) {
      if (!TRACKS.includes(name)) settle();
      return methods[name]!(at, page, ...args);
    }
    if (name === 'trackPageView') here = undefined;
    // A copy: the page may go on changing what it passed, and where it is.
    const entry: Early = [name, at, JSON.parse(JSON.stringify(args)), undefined, page ?? where()];
    early.push(entry);
    return AWAITED.includes(name) ? new Promise((resolve) => (entry[3] = resolve)) : undefined;
  }

  /** Makes calls that were made before, here or (then with what that page was) on an earlier page. */
  function repeat(entries: Early[], page?: Facts) {
    for (; entries[0]; entries.shift()) {
      const [name, at, given, resolve, from = page] = entries[0];
      const value = attempt(() => {
        // What was left out is null as JSON.
        const args = given.map((arg) => arg ?? undefined);
        return methods[name] ? call(name, args, at, from) : api[name]!(...args);
      });
      if (resolve) resolve(value);
      else if (value instanceof Promise) value.catch(() => {});
    }
  }

  // The queues of pages that are gone.

  /** What this page owned when it went. */
  let left: string[] = [];

  function restore(id: number, { identify, session, context, text }: Kept, awayMs = 0) {
    const { bytes, alike } = envelope(session, context);
    core!.restore(now(), id, identify, size(text), bytes, alike, awayMs);
  }

  let adopting: ReturnType<typeof setTimeout> | undefined;

  function adopt() {
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
        say('takes over', left.length, 'calls of an earlier page');
        for (const kept of left) {
          texts.set(++restored, kept);
          restore(restored, kept, away.get(nameOf(kept)));
        }
        run();
      });
    }
    clearTimeout(adopting);
    if (wait < Infinity) adopting = setTimeout(adopt, wait);
  }

  // The page's own life.

  /** Whether the page has begun to part and has not handed over all. */
  let parting = false;

  function leave() {
    parting = true;
    if (wanted) open(compile);
    if (!ready) {
      // What still waits for the core would be lost: leave it as the stub leaves its own, for the next page.
      if (early.length && company && !settings.consent && !refuses()) {
        set('early', JSON.stringify([...JSON.parse(get('early') || '[]'), [company, facts(), early.splice(0)]]));
      }
      parting = false;
      return;
    }
    settle();
    checkOnline();
    core!.part(now(), true);
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
      put = [];
      marks = [];
      core = make(host);
      enter();
      for (const [id, kept] of texts) restore(id, kept);
      repeat(early);
    }
    leave();
  }

  /** The page may be going: what waits goes now, while answers may still come. */
  function part() {
    settle();
    checkOnline();
    core!.part(now(), false);
  }

  /** The page came back out of the browser's cache: what it owned may be somebody else's by now. */
  function comeBack() {
    owned = true;
    for (const of of left.splice(0)) {
      const mine = () => [...texts].filter(([, kept]) => kept.owner === of);
      const drop = (left: Kept[]) => {
        const names = new Set(left.map(nameOf));
        for (const [id, kept] of mine()) {
          if (names.has(nameOf(kept))) continue;
          forget(id);
          core!.forget(id);
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
    if (batchSize || flushInterval || asked || decision) core!.open(now(), batchSize, flushInterval, Number(asked) - Date.now(), decision);
  }

  function begin() {
    ready = true;
    owner = fresh();
    decide(settings.consent ?? 'granted');
    enter();
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) part();
      else adopt();
      run();
    });
    addEventListener('pageshow', (event) => event.persisted && comeBack());
    for (const name of ['online', 'offline']) addEventListener(name, run);
    // A navigation that begins is the last moment at which an answer may still come back to this page.
    (window as unknown as { navigation?: EventTarget }).navigation?.addEventListener('navigate', (event) => {
      if ((event as unknown as { destination: { sameDocument: boolean } }).destination.sameDocument) return;
      part();
      run();
    });
    // Asked for first: an exception is dear on a page that has just begun.
    const saved = attempt(() => JSON.parse(get('early') || '[]')) ?? [];
    remove('early');
    for (const [of, page, entries] of saved) {
      if (of === company) repeat(entries.filter(([name]: Early) => methods[name]), page);
    }
    repeat(early);
    if (settings.pageViews) watchHistory(() => location.pathname !== viewed && call('trackPageView', [], Date.now()));
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
    made.then(open, (error) => lose('unavailable', `the SDK could not be loaded: ${error}`, early.length)).catch(warn);
  }

  const api: Record<string, (...args: any[]) => unknown> = {
    init(companyId: string, apiUrl: string, options?: InitOptions) {
      if (!companyId || !apiUrl) return warn('init needs a company id and the address of TrackMate');
      let url = String(apiUrl);
      while (url.endsWith('/')) url = url.slice(0, -1);
      url += options?.path ?? '/api';
      if (company) {
        if (company !== companyId || base !== url) warn('init was called before, with another company or address: ignored');
        return;
      }
      [company, base] = [String(companyId), url];
      configure({ ...options });
      addEventListener('pagehide', leave);
      addEventListener('pagehide', leaveAfterAll);
      askWhileLoading();
      const { prerendering } = document as Document & { prerendering?: boolean };
      // A page that nobody looks at yet, and maybe never will.
      if (prerendering) document.addEventListener('prerenderingchange', start, { once: true });
      else start();
    },
    getSessionId() {
      open(compile);
      settle();
      return core ? visit(core) : '';
    },
    getAnonymousId() {
      open(compile);
      settle();
      return anonymous();
    },
    on,
    repeat,
  };
  for (const name of [...Object.keys(api), ...Object.keys(methods)]) {
    const method = api[name];
    const nothing = NOTHING[name] ?? (() => {});
    api[name] = (...args) => {
      if (typeof document === 'undefined') return nothing();
      try {
        return method ? method(...args) : call(name, args, Date.now());
      } catch (error) {
        if (AWAITED.includes(name)) return Promise.reject(error);
        warn(error);
        return nothing();
      }
    };
  }
  return api as unknown as TrackMate;
}
