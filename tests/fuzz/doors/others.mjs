// What was taken, as others than HTTP clients of the API have it: the receivers of examples/ in their languages, and the command-line manager.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trackmate } from '../../support/cli.mjs';
import { LANGUAGES, isHere, startExample } from '../../support/examples.mjs';
import { until } from '../../support/harness.mjs';
import { freePort } from '../../support/wrangler.mjs';
import { rowsOf } from './read.mjs';
import { isSame } from './taken.mjs';

/** Names of events that are delivered: a person's first identify is `user_registered`, and stands in an export as `identify`. */
const DELIVERED = ['user_registered', 'page_view', 'purchase', 'search', 'booking.created', 'registration.submitted', 'identify', 'Viewed', 'bought'];

/** A receiver in each language that is here, subscribed → {check, close}. `check(exported)` waits for the last delivery and holds each against the export. */
export async function startReceivers({ c, sweep, finding }) {
  const started = [];
  for (const [name, language] of Object.entries(LANGUAGES)) {
    if (!isHere(language)) {
      console.log(`${language.command} is not installed: the receiver in ${name} is left out`);
      continue;
    }
    const port = await freePort();
    // One refusal is a finding, so no receiver is ever left alone for its failures.
    const webhook = await c.subscribe(`http://127.0.0.1:${port}/api/webhook`, DELIVERED, { disableAfterFailures: 0 });
    started.push({ name, webhook, receiver: await startExample(language, webhook.secret, port) });
  }

  async function* deliveries(id, query) {
    for (let cursor = ''; cursor !== null; ) {
      const { body } = await c.get(`/api/admin/webhooks/${id}/deliveries?limit=50${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      yield* body.deliveries;
      cursor = body.pagination.nextCursor ?? null;
    }
  }

  async function check(exported) {
    const wanted = exported.filter(({ eventType }) => DELIVERED.includes(eventType)).length;
    const data = new Map(exported.map(({ messageId, eventData }) => [messageId, eventData]));
    let count = 0;
    for (const { name, webhook, receiver } of started) {
      await until(`the last delivery in ${name}`, async () => {
        const { body } = await c.get(`/api/admin/webhooks/${webhook.id}/deliveries?limit=1&status=pending`);
        return body.deliveries.length === 0 || (await sweep(), false);
      });
      const ids = new Set();
      for await (const { id, messageId, status, payload, attempts } of deliveries(webhook.id, '')) {
        ids.add(id);
        const { statusCode, responseBody } = attempts.at(-1) ?? {};
        if (status !== 'delivered' || statusCode !== 200 || responseBody !== '{"received":true}') finding(`the receiver in ${name} answered ${statusCode} ${responseBody} to ${JSON.stringify(payload).slice(0, 600)}`);
        else if (!isSame(payload.data, data.get(messageId))) finding(`${messageId} was delivered as ${JSON.stringify(payload.data)}, and is ${JSON.stringify(data.get(messageId))}`);
      }
      if (ids.size !== wanted) finding(`${ids.size} deliveries in ${name}, and ${wanted} events that it subscribed to`);
      const untold = () => [...ids].filter((id) => !receiver.said.includes(`(${id})`));
      await until('its last line', () => untold().length === 0, 5_000).catch(() => finding(`the receiver in ${name} does not tell of ${untold()}`));
      const trouble = /^.*(PHP (?:Warning|Notice|Deprecated|Fatal)|Traceback|Error:).*$/m.exec(receiver.said);
      if (trouble) finding(`the receiver in ${name} says ${trouble[0]}`);
      count += ids.size;
    }
    return `${count} deliveries to ${started.map(({ name }) => name).join(', ')}`;
  }

  return { check, close: () => started.forEach(({ receiver }) => receiver.close()) };
}

/** `trackmate`, watching from now on → {check, close}. `check(all)` reads by it what there is, and holds its files against the export. */
export function startManager({ url, c, finding }) {
  const bin = trackmate();
  const folder = mkdtempSync(join(tmpdir(), 'trackmate-fuzz-'));
  const start = (args) => {
    const child = spawn(bin, args, { cwd: folder, env: { HOME: folder, TZ: 'UTC', TRACKMATE_URL: url, TRACKMATE_ADMIN_KEY: c.adminKey }, stdio: ['ignore', 'pipe', 'pipe'] });
    const self = { text: '', told: '', ended: once(child, 'close').then(([code]) => code), child };
    child.stdout.setEncoding('utf8').on('data', (part) => (self.text += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (self.told += part));
    return self;
  };
  const run = async (...args) => {
    const one = start(args);
    const code = await one.ended;
    if (code !== 0) finding(`trackmate ${args.join(' ')} ended with ${code}: ${one.told.slice(0, 400)}`);
    return one.text;
  };
  const tails = [start(['tail']), start(['tail', '--json'])];

  async function check({ users, events }) {
    for (const { child, told } of tails) if (child.exitCode !== null) finding(`trackmate tail ended with ${child.exitCode}: ${told.slice(-400)}`);
    const lines = tails[1].text.trim().split('\n');
    for (const line of lines.slice(0, -1)) {
      try {
        JSON.parse(line);
      } catch {
        finding(`trackmate tail --json shows ${line.slice(0, 300)}`);
      }
    }
    if (lines.length < events.length / 2) finding(`trackmate tail showed ${lines.length} of ${events.length} events`);
    // A terminal does what these signs say.
    if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(tails[0].text)) finding('trackmate tail shows control characters');
    for (const [kind, all] of [['users', users], ['events', events]]) {
      for (const format of ['csv', 'ndjson', 'json']) {
        const file = `${kind}.${format}`;
        await run('export', kind, '--format', format, '--output', file);
        const text = readFileSync(join(folder, file), 'utf8');
        const rows = { csv: () => rowsOf(text).length - 1, ndjson: () => text.trim().split('\n').filter(Boolean).length, json: () => JSON.parse(text)[kind].length }[format]();
        if (rows !== all.length) finding(`trackmate export ${kind} wrote ${rows} of ${all.length} as ${format}`);
      }
    }
    await run('plan', 'infer');
    await run('rejected');
    for (const { messageId } of events.filter(({ messageId }) => !messageId.startsWith('-')).slice(0, 8)) await run('receipt', messageId);
    return `${lines.length} lines of trackmate tail`;
  }

  const close = () => {
    for (const { child } of tails) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { check, close };
}
