// The load generator, a separate process: a fixed number of POST requests over persistent
// connections to loopback. Either `concurrency` connections that each send their next request when
// they have their answer, or `perSecond` requests per second, sent on time whatever the answers do.
// Its parent sends {url, seed, requests, concurrency | perSecond} with what the bodies need:
// {company, at, events} for /api/events: `at` is the time of the first, ms; and with {form} for the
// same events in another vendor's form; {doors, people} for /api/webhooks/events: to whom, and the
// number of people that the events are about in turn. It answers 'ready' when all bodies are made,
// then 'go' with {seconds, sent, took, late}: per request when it was sent (ms of the shared clock)
// and how long its answer took (ms), and the lateness (ms) of the paced ones.
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { answerParent, clockMs } from './child.mjs';

/** Average number of requests per session in one run. */
const REQUESTS_PER_SESSION = 4;
const ANSWER_WITHIN_MS = 30_000;

/**
 * The requests of a run, with about 150 B per event and new message ids. The same job makes the
 * same requests.
 */
const requestsOf = (job) => Array.from({ length: job.requests }, (_, r) => (job.doors ? serverEvent(job, r) : browserEvents(job, r)));

/** Events of this run's own sessions, in turn. */
function browserEvents({ seed, company, at, requests, events, form = 'own' }, r) {
  const sessions = Math.ceil(requests / REQUESTS_PER_SESSION);
  return message(FORMS[form]({
    company_id: company,
    sessionId: `session_${seed}_${r % sessions}`,
    events: Array.from({ length: events }, (_, e) => ({
      eventType: 'page_view',
      eventData: { address: `https://shop.example/p/${e}`, n: r },
      timestamp: new Date(at + r + e).toISOString(),
      messageId: `${seed}-${r}-${e}`,
    })),
  }));
}

/** The same events in a vendor's format. */
const FORMS = {
  own: (body) => body,
  segment: ({ company_id: writeKey, sessionId: anonymousId, events }) => ({
    writeKey,
    batch: events.map(({ eventType: event, eventData: properties, timestamp, messageId }) => ({ type: 'track', event, anonymousId, properties, timestamp, messageId })),
  }),
  posthog: ({ company_id: api_key, sessionId: distinct_id, events }) => ({
    api_key,
    batch: events.map(({ eventType: event, eventData, timestamp, messageId: uuid }) => ({ event, distinct_id, properties: { ...eventData, $is_identified: false }, timestamp, uuid })),
  }),
};

/**
 * Events to each target {key, eventType} in turn. The message id ends with the request's number.
 */
function serverEvent({ seed, doors, people = 1 }, r) {
  const { key, eventType } = doors[r % doors.length];
  const body = {
    identifier: { email: `person${r % people}@shop.example` },
    eventType,
    eventData: { orderId: `order-${r}`, amount: 79.99, currency: 'USD' },
    messageId: `${seed}-${r}`,
  };
  return message(body, { 'x-trackmate-api-key': key });
}

function message(json, headers = {}) {
  const body = Buffer.from(JSON.stringify(json));
  return { body, headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers } };
}

/** Sends a request. Resolves when the answer is there. */
function post(url, agent, { body, headers }) {
  return new Promise((done, failed) => {
    const request = httpRequest(url, { method: 'POST', agent, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('error', failed);
      response.on('end', () => (response.statusCode === 200 ? done() : failed(new Error(`${response.statusCode} ${text}`))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    request.on('error', failed);
    request.end(body);
  });
}

async function run({ url, concurrency, perSecond }, queue) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency ?? Infinity });
  const sent = new Array(queue.length);
  const took = new Array(queue.length);
  const late = [];
  const one = async (r) => {
    sent[r] = clockMs();
    await post(url, agent, queue[r]);
    took[r] = clockMs() - sent[r];
  };
  const closed = async () => {
    let next = 0;
    const connection = async () => {
      while (next < queue.length) await one(next++);
    };
    await Promise.all(Array.from({ length: concurrency }, connection));
  };
  const paced = async () => {
    const first = clockMs();
    const answers = [];
    for (let r = 0; r < queue.length; r += 1) {
      const due = first + (r * 1000) / perSecond;
      const early = due - clockMs();
      if (early > 0) await pause(early);
      late.push(clockMs() - due);
      answers.push(one(r));
    }
    await Promise.all(answers);
  };
  const began = clockMs();
  await (concurrency ? closed() : paced());
  const seconds = (clockMs() - began) / 1000;
  agent.destroy();
  return { seconds, sent, took, late };
}

let job;
let queue;
answerParent((message) => {
  if (message === 'go') return run(job, queue);
  if (new URL(message.url).hostname !== '127.0.0.1') throw new Error('load goes to loopback only');
  job = message;
  queue = requestsOf(job);
  return 'ready';
});
