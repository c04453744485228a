// What the core asks for: it has the numbers, the page has the texts, the network and the storage.

import { adopt } from './adoption';
import { now, stamp } from './clock';
import type { Host } from './core';
import { core } from './instance';
import { type Answer, handOver, post } from './network';
import { browser } from './page';
import { marks, nameOf, put, texts, unwritten } from './pending';
import { done, hear } from './results';
import { run } from './schedule';
import { base, company, settings } from './settings';
import { attempt, set } from './store';
import { guard, lose, say } from './talk';
import { anonymous } from './visitor';

const answered = guard((request: number, status: number, wait: number, body?: Answer) => {
  hear(body);
  const verdict = core!.answered_(now(), request, status, body?.success === true, wait);
  say('answer', status, ['delivered', 'again later', 'refused', 'too late'][verdict]);
  for (const { code, message } of (verdict === 0 && body?.rejected) || []) lose(code, message);
  if (verdict === 0) adopt();
  run();
});

export const host: Host = {
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
  done_: done,
  pause_: (ms) => void set(`pause.${company}`, String(Date.now() + ms)),
  random_: () => crypto.getRandomValues(new Int32Array(1))[0]!,
};
// What is thrown through the core would leave it locked.
const acts = host as unknown as Record<string, (...args: number[]) => unknown>;
for (const [name, act] of Object.entries(acts)) acts[name] = (...args) => attempt(() => act(...args)) ?? 0;
