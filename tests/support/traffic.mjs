// Traffic at a steady pace, as pages and servers send it: visitors view pages and are identified, and
// servers send events of the same people. Whoever was not answered sends the same again, as the SDK
// does. It knows afterwards what was answered, and whose each event is.
import { randomFrom } from './chaos.mjs';

/** How long a request waits for its answer, and the pauses before it is sent again. */
const ANSWER_MS = 30_000;
const PAUSES_MS = [500, 1000, 2000];
const PEOPLE = 200;
/** Of 100 requests, those whose answer is lost on the way. */
const LOST_PERCENT = 2;
/** Requests under way at which the pace is no longer held. */
const UNDER_WAY_MAX = 400;

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

/**
 * A source of traffic for a company. `address()` → where the next request goes.
 * → {events, queued, refused, counts, run(ms), end}. An event is {who, answered}, by its number.
 * `end` waits for all answers, and identifies every visitor.
 */
export function startTraffic({ companyId, serverKey, perSecond, address, seed }) {
  const random = randomFrom(seed);
  const pick = (count) => Math.floor(random() * count);
  const events = new Map();
  const queued = { pages: 0, identifies: 0, servers: 0 };
  const counts = { ...queued, repeats: 0, lost: 0 };
  const refused = [];
  const [visitors, identified] = [[], []];
  let [underWay, numbers, sessions] = [0, 0, 0];

  /** Sends until it is answered with 200. A 4xx is noted: nothing here deserves one. */
  async function send(kind, path, body, numbersOf = []) {
    underWay += 1;
    const key = kind === 'servers' && { 'x-trackmate-api-key': serverKey };
    const headers = { 'content-type': 'application/json', connection: 'close', ...key };
    for (let tries = 0; ; tries += 1) {
      counts[tries === 0 ? kind : 'repeats'] += 1;
      const request = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) };
      const read = async (response) => ({ status: response.status, body: await response.json() });
      const answer = await fetch(address() + path, request).then(read, () => null);
      const isLost = pick(100) < LOST_PERCENT;
      if (isLost) counts.lost += 1;
      if (answer?.status === 200 && !isLost) {
        if (answer.body.queued) queued[kind] += 1;
        if (answer.body.rejected?.length) refused.push([kind, answer.body.rejected]);
        for (const n of numbersOf) events.get(n).answered = true;
        break;
      }
      if (answer && !isLost && answer.status < 500 && answer.status !== 429) {
        refused.push([kind, answer.status, answer.body]);
        break;
      }
      await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]);
    }
    underWay -= 1;
  }

  /** New events of somebody. */
  const fresh = (who, eventType, count) =>
    Array.from({ length: count }, () => {
      numbers += 1;
      events.set(numbers, { who, answered: false });
      return { eventType, eventData: { n: numbers }, messageId: `m-${numbers}` };
    });
  const numbersOf = (sent) => sent.map(({ eventData }) => eventData.n);
  const person = () => `p${pick(PEOPLE)}@example.com`;

  function newVisitor() {
    sessions += 1;
    const sessionId = `session_1760788800_${seed}x${sessions}`;
    const plan = { views: 1 + pick(4), later: pick(4), isIdentified: false, isBusy: false };
    const visitor = { sessionId, who: person(), ...plan };
    visitors.push(visitor);
    return visitor;
  }

  /** The next request of a visitor; a page sends one after the other. */
  async function visit(visitor) {
    visitor.isBusy = true;
    const { sessionId, who } = visitor;
    if (visitor.views > 0 || visitor.isIdentified) {
      visitor[visitor.isIdentified ? 'later' : 'views'] -= 1;
      const sent = fresh(who, 'viewed', 1 + pick(3));
      await send('pages', '/api/events', { company_id: companyId, sessionId, events: sent }, numbersOf(sent));
    } else {
      visitor.isIdentified = true;
      const traits = { email: who, name: 'Ada', messageId: `i-${sessionId}` };
      await send('identifies', '/api/profile', { company_id: companyId, sessionId, ...traits });
      identified.push(visitor);
    }
    if (visitor.isIdentified && visitor.later <= 0) visitors.splice(visitors.indexOf(visitor), 1);
    visitor.isBusy = false;
  }

  /** Events of a server: about a person by the address or an identified session, or about nobody. */
  function serve() {
    const visitor = identified[pick(identified.length)];
    const kind = pick(visitor ? 3 : 2);
    const who = [person(), null, visitor?.who][kind];
    const identifier = [{ email: who }, undefined, { sessionId: visitor?.sessionId }][kind];
    const sent = fresh(who, 'paid', 1 + pick(2));
    const body = { company_id: companyId, identifier, events: sent };
    return send('servers', '/api/webhooks/events', body, numbersOf(sent));
  }

  function act() {
    if (random() < 0.4) return serve();
    const free = visitors.filter(({ isBusy }) => !isBusy);
    return visit(free.length > 0 && random() < 0.7 ? free[pick(free.length)] : newVisitor());
  }

  const all = [];
  return {
    events,
    queued,
    refused,
    counts,
    /** Sends for so long at its pace, or until something holds. */
    run: async (ms, until = () => false) => {
      const began = performance.now();
      for (let n = 0; performance.now() - began < ms && !until(); n += 1) {
        const early = began + (n * 1000) / perSecond - performance.now();
        if (early > 0) await pause(early);
        if (underWay < UNDER_WAY_MAX) all.push(act());
      }
    },
    end: async () => {
      await Promise.all(all);
      const unidentified = visitors.filter(({ isIdentified }) => !isIdentified);
      await Promise.all(unidentified.map((visitor) => visit(Object.assign(visitor, { views: 0 }))));
    },
  };
}
