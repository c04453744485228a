// The bench's own processes (load generator, receivers): how the parent asks one and it answers, and the clock that they share.
import { fork } from 'node:child_process';
import { path } from './worker.mjs';

/**
 * Starts a process → {ask, end}. `ask(message)` resolves to its answer, one question at a time; it rejects with what the process
 * says went wrong, or when the process is gone.
 */
export function startChild(file) {
  const child = fork(path(file));
  let waiting;
  const settle = (how, what) => {
    const asked = waiting;
    waiting = undefined;
    asked?.[how](what);
  };
  child.on('message', ({ answer, error }) => (error === undefined ? settle('resolve', answer) : settle('reject', new Error(error))));
  child.on('exit', (code) => settle('reject', new Error(`${file} ended (${code})`)));
  return {
    ask(message) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (child.connected) child.send(message);
        else settle('reject', new Error(`${file} is not running`));
      });
    },
    end: () => child.connected && child.disconnect(),
  };
}

/** In such a process: answers each message by `answer(message)`. The process ends with its parent. */
export function answerParent(answer) {
  process.on('message', async (message) => {
    try {
      process.send({ answer: await answer(message) });
    } catch (error) {
      process.send({ error: String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}

/** ms of the machine's monotonic clock: the same in every process, and nobody sets it while we measure. */
export const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
