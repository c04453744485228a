// Sends the public doors what no client means to: CASES (10000) requests made from SEED, CLIENTS at a time. There must be no answer of 500 or more, no request
// without an answer, no restart of the isolate, and at every stop exactly so many stored rows as the answers said. In the end all that was taken is read again,
// wherever it is shown or sent: by HTTP, by the command-line manager, and at real receivers in Node, Python and PHP. Nothing that was accepted may break a later read,
// or be read as something else than what was sent. A finding names its seed and number: SEED=<seed> CASE=<number> sends that one alone. Exits with 1 on a finding.
import { Agent, request } from 'node:http';
import { startTrackMate } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { DOORS } from './doors/table.mjs';
import { bodyOf, casesOf, headersOf } from './doors/cases.mjs';
import { startManager, startReceivers } from './doors/others.mjs';
import { readAll } from './doors/read.mjs';
import { takenBy } from './doors/taken.mjs';

const SEED = Number(process.env.SEED || Date.now() % 2 ** 31);
const ONE = process.env.CASE === undefined ? null : Number(process.env.CASE);
const CASES = Number(process.env.CASES || 10_000);
const CLIENTS = Number(process.env.CLIENTS || 6);
/** Cases between two counts of the stored rows. */
const ROUND = 500;
/** Milliseconds after which a request hangs. */
const HANGS_MS = 20_000;
/** Statuses that a door may answer with. */
const KNOWN = new Set([200, 204, 400, 401, 403, 404, 405, 409, 410, 413, 429]);

/** A connection a request. Behind it the local runtime keeps its own, on which one request in some thousands is taken for the rest of the one before: it answers for
 *  itself then (`invalid HTTP method parsed`), without the Worker's x-request-id, and is asked once more. */
const agent = new Agent({ maxSockets: CLIENTS });

/** Sends one → {status, headers, text}. Without node's own checks of what a client may send, as far as it goes. */
function send(url, { method, path, headers, body, chunked }) {
  return new Promise((answered, failed) => {
    const length = chunked || method === 'GET' || method === 'HEAD' ? {} : { 'content-length': body.length };
    const sent = request(url + path, { method, agent, headers: { ...headers, ...length }, timeout: HANGS_MS }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', failed);
      answer.on('end', () => answered({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${HANGS_MS} ms`)));
    sent.on('error', failed);
    if (method === 'GET' || method === 'HEAD') return void sent.end();
    sent.end(body);
  });
}

const trackMate = await startTrackMate();
const findings = [];
/** Events of TrackMate's own doors that were accepted, by their ids. */
const taken = new Map();
const running = [];
const counts = {};
const codes = {};
const isolates = new Set();
let told = 0;
let misread = 0;
let sentCases = 0;
try {
  const [c, other] = [await newCompany(trackMate, { name: 'Fuzzed' }), await newCompany(trackMate, { name: 'Other' })];
  const world = { company: c.companyId, other: other.companyId, serverKey: c.serverKey, otherKey: other.serverKey, adminKey: c.adminKey };
  const d1 = await trackMate.d1();
  const stored = async () => (await d1.prepare('select count(*) as n from events').first()).n;
  console.log(`${ONE ?? CASES} cases at ${DOORS.length} doors, SEED=${SEED}`);

  const finding = (number, what, wire, answer) => {
    findings.push(number);
    const shown = wire && `${wire.method} ${wire.path.slice(0, 200)} ${JSON.stringify(wire.headers).slice(0, 400)}\n  ${wire.body.length} bytes: ${JSON.stringify(wire.body.subarray(0, 600).toString('latin1'))}`;
    console.error(`FOUND by SEED=${SEED} CASE=${number}: ${what}${shown ? `\n  ${shown}` : ''}${answer ? `\n  ${answer.status} ${answer.text.slice(0, 300)}` : ''}`);
  };

  const late = { url: trackMate.url, c, taken, sweep: trackMate.sweep, finding: (what) => finding(0, what) };
  const receivers = await startReceivers(late);
  running.push(receivers);
  const manager = startManager(late);
  running.push(manager);

  async function run(number, odd) {
    const door = DOORS[odd.door % DOORS.length];
    const { json: sent, bytes: body } = bodyOf(door, odd, number, world);
    const wire = { method: odd.method === 'POST' ? (door.method ?? 'POST') : odd.method, path: door.path + (door.method ? '' : odd.tail), headers: headersOf(door, odd, world), body, chunked: odd.chunked };
    let answer;
    try {
      answer = await send(trackMate.url, wire);
      if (!answer.headers['x-request-id']) {
        misread += 1;
        answer = await send(trackMate.url, wire);
      }
    } catch (error) {
      return finding(number, `no answer: ${error.message}`, wire);
    }
    sentCases += 1;
    counts[answer.status] = (counts[answer.status] ?? 0) + 1;
    if (!KNOWN.has(answer.status)) return finding(number, `a status of ${answer.status}`, wire, answer);
    if (answer.status === 204 || odd.method === 'HEAD') return;
    if (answer.headers['x-isolate']) isolates.add(/name=(\w+)/.exec(answer.headers['x-isolate'])[1]);
    let json;
    try {
      json = JSON.parse(answer.text);
    } catch {
      return finding(number, 'an answer that is not JSON', wire, answer);
    }
    if (json.success === false) codes[json.code] = (codes[json.code] ?? 0) + 1;
    if ((answer.status === 200) !== (json.success === true)) return finding(number, 'a status that is not what the body says', wire, answer);
    if (answer.status === 200) told += door.stored(json);
    // What was written or packed oddly may have been another text than this one.
    const isPlain = odd.writing === null && odd.packing.how === 'plain' && odd.method === 'POST' && odd.key !== 'other';
    if (answer.status === 200 && door.isOwn && isPlain) for (const [id, event] of takenBy(sent, json)) taken.set(id, event);
  }

  if (ONE !== null) {
    const [round, place] = [Math.floor(ONE / ROUND), ONE % ROUND];
    await run(ONE, casesOf(SEED + round, ROUND)[place]);
  }
  for (let round = 0; ONE === null && round * ROUND < CASES; round += 1) {
    const cases = casesOf(SEED + round, ROUND).slice(0, CASES - round * ROUND);
    const next = cases.entries();
    const client = async () => {
      for (const [place, odd] of next) await run(round * ROUND + place, odd);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const rows = await stored();
    if (rows !== told) {
      finding(round * ROUND, `${rows} rows are stored by the end of this round, and ${told} were told of`);
      told = rows;
    }
  }
  const all = await readAll(late);
  const others = [await receivers.check(all.events), await manager.check(all)];
  if (isolates.size > 1) finding(0, `the isolate was restarted: ${isolates.size} were seen`);
  console.log(`${sentCases} answers ${JSON.stringify(counts)}\n${Object.keys(codes).length} codes ${JSON.stringify(codes)}\n${told} rows told of and stored, ${taken.size} held against what was sent, ${others.join(', ')}, ${isolates.size} isolate, ${misread} misread by the runtime, ${findings.length} findings`);
  // A fuzzer whose requests are all refused for the same reason finds nothing.
  if (ONE === null && CASES >= 500 && (counts[200] < CASES / 10 || Object.keys(codes).length < 10)) {
    finding(0, 'too few of the cases get anywhere');
  }
  process.exitCode = findings.length > 0 ? 1 : 0;
} finally {
  agent.destroy();
  for (const one of running) one.close();
  await trackMate.close();
}
