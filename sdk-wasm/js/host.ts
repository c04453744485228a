// What the core asks the page to do. The core has only numbers; the page has texts, network and
// storage.

import { adoptQueues } from './adoption';
import { now, serverTime } from './clock';
import type { Host } from './core';
import { debug, guard, reportLost } from './events';
import { core } from './instance';
import { type Answer, handOver, post } from './network';
import { browserContext } from './page';
import { batch, handedOverKeys, keyOf, pendingCalls, unsaved } from './pending';
import { finishCall, setLastAnswer } from './results';
import { run } from './schedule';
import { company, endpoint, settings } from './settings';
import { attempt, set } from './store';
import { getAnonymousId } from './visitor';

const answered = guard((request: number, status: number, waitMs: number, body?: Answer) => {
  setLastAnswer(body);
  const verdict = core!.answered_(now(), request, status, body?.success === true, waitMs);
  debug('answer', status, ['delivered', 'retry later', 'refused', 'too late'][verdict]);
  for (const { code, message } of (verdict === 0 && body?.rejected) || []) reportLost(code, message);
  if (verdict === 0) adoptQueues();
  run();
});

export const host: Host = {
  persist_: (id) => void unsaved.push(id),
  addToBatch_: (id) => void batch.push(id),
  send_(request, mode) {
    const sent = batch.splice(0).map((id) => pendingCalls.get(id)!);
    const { identify, session, context } = sent[0]!;
    const all = sent.map(({ text }) => text).join();
    const calls = identify
      ? all.slice(1, -1)
      : `"events":[${all}],"context":${context.slice(0, -1)},${browserContext()}}`;
    const body =
      `{"company_id":${JSON.stringify(company)},"sessionId":"${session}",` +
      `${calls},"sentAt":${serverTime(Date.now())}}`;
    const url =
      `${endpoint}/${identify ? 'profile' : 'events'}` + `${settings.cookie ? `?visitor=${getAnonymousId()}` : ''}`;
    debug('sends', sent.length, 'calls,', body.length, 'characters,', mode ? 'handed over' : '');
    return mode ? handOver(url, body) : post(url, body, (...answer) => answered(request, ...answer));
  },
  handedOver_: (id) => void handedOverKeys.push(keyOf(pendingCalls.get(id)!)),
  finish_: finishCall,
  pause_: (ms) => void set(`pause.${company}`, String(Date.now() + ms)),
  random_: () => crypto.getRandomValues(new Int32Array(1))[0]!,
};
// An exception that passes through the core would leave its lock taken.
const requests = host as unknown as Record<string, (...args: number[]) => unknown>;
for (const [name, request] of Object.entries(requests)) {
  requests[name] = (...args) => attempt(() => request(...args)) ?? 0;
}
