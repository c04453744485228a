// The load generator, a process of its own: a fixed number of POST requests over a fixed number of kept connections to loopback.
// Its parent sends {url, concurrency, seed, company, requests, events}; it answers 'ready' when all bodies are made, waits for
// 'go', and answers {seconds, p50, p99} (ms).
import { Agent, request as httpRequest } from 'node:http';

/** Requests that a session gets in one run, on average. */
const REQUESTS_PER_SESSION = 4;
const ANSWER_WITHIN_MS = 30_000;

/** The bodies of a run: ~150 B an event, message ids of its own, an own set of sessions in turn. The same seed makes the same bodies. */
function bodies({ seed, company, requests, events }) {
  const sessions = Math.ceil(requests / REQUESTS_PER_SESSION);
  const start = Date.UTC(2026, 0, 1);
  return Array.from({ length: requests }, (_, r) =>
    Buffer.from(
      JSON.stringify({
        company_id: company,
        sessionId: `session_${seed}_${r % sessions}`,
        events: Array.from({ length: events }, (_, e) => ({
          eventType: 'page_view',
          eventData: { address: `https://shop.example/p/${e}`, n: r },
          timestamp: new Date(start + r * 1000 + e).toISOString(),
          messageId: `${seed}-${r}-${e}`,
        })),
      }),
    ),
  );
}

function post(url, agent, body) {
  return new Promise((done, failed) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const request = httpRequest(url, { method: 'POST', agent, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('error', failed);
      response.on('end', () => (response.statusCode === 200 ? done(text) : failed(new Error(`${response.statusCode} ${text}`))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    request.on('error', failed);
    request.end(body);
  });
}

async function run({ url, concurrency }, queue) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const times = [];
  let next = 0;
  const one = async () => {
    while (next < queue.length) {
      const body = queue[next++];
      const began = performance.now();
      await post(url, agent, body);
      times.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, one));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { seconds, p50: at(0.5), p99: at(0.99) };
}

process.once('message', (job) => {
  if (new URL(job.url).hostname !== '127.0.0.1') throw new Error('load goes to loopback only');
  const queue = bodies(job);
  process.once('message', async () => {
    try {
      process.send(await run(job, queue));
    } catch (error) {
      process.send({ error: String(error) });
    }
    process.disconnect();
  });
  process.send('ready');
});
