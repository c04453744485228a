// A receiver of deliveries, a separate process on loopback: records when each delivery has arrived
// completely and answers 200 at once, or never answers. It checks deliveries only on request, after
// the load. Messages of its parent:
// - {listen: 'answer' | 'hang'} → its URL
// - {wait: n, idleMs} → how many deliveries are there, when n are or when none came for so long
// - {collect: {path: secret}} → what came since the last time, [{path, messageId, at}], and how
//   many of it were wrong:
//   {arrivals, repeated, unsigned}. Signatures are verified by a sample.
// - 'open' → requests that are held open
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { isSigned, isStandardSigned } from '../tests/support/receiver.mjs';
import { answerParent, clockMs } from './child.mjs';

/** Signatures are verified for one delivery in this many. */
const SAMPLE = 10;

let hangs = false;
let open = 0;
let received = [];
/**
 * All deliveries so far, by path and message id, and by webhook id, to find repeats across runs
 * too.
 */
const known = new Set();

const server = createServer((incoming, outgoing) => {
  open += 1;
  outgoing.on('close', () => (open -= 1));
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', () => {
    received.push({ at: clockMs(), path: incoming.url, headers: incoming.headers, chunks });
    if (!hangs) outgoing.writeHead(200, { 'content-length': 2 }).end('ok');
  });
});
// Never closes a connection, since a request at that moment would fail because of the receiver.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;

async function listen(how) {
  hangs = how === 'hang';
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${server.address().port}`;
}

async function wait(n, idleMs) {
  for (let [count, since] = [received.length, clockMs()]; received.length < n && clockMs() - since < idleMs; await pause(20)) {
    if (received.length !== count) [count, since] = [received.length, clockMs()];
  }
  return received.length;
}

function collect(secrets) {
  let repeated = 0;
  let unsigned = 0;
  const arrivals = received.map(({ at, path, headers, chunks }, n) => {
    const body = Buffer.concat(chunks);
    const { messageId } = JSON.parse(body).metadata;
    for (const id of [`${path} ${messageId}`, headers['webhook-id']]) {
      if (known.has(id)) repeated += 1;
      known.add(id);
    }
    const delivery = { headers, body };
    if (n % SAMPLE === 0 && !(isSigned(delivery, secrets[path]) && isStandardSigned(delivery, secrets[path]))) unsigned += 1;
    return { path, messageId, at };
  });
  received = [];
  return { arrivals, repeated, unsigned };
}

answerParent((message) => {
  if (message === 'open') return open;
  if (message.listen) return listen(message.listen);
  if (message.wait !== undefined) return wait(message.wait, message.idleMs);
  return collect(message.collect);
});
