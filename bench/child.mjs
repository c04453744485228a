// The benchmark's child processes (load generator, receivers): messages between parent and child,
// and their shared clock.
import { fork } from 'node:child_process';
import { path } from './worker.mjs';

/**
 * Starts a process. Returns {ask, end}. `ask(message)` resolves to its answer, one message at a
 * time. It rejects with the error of the process, or when the process exited.
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

/**
 * In a child process: answers each message with `answer(message)`. The process ends with its
 * parent.
 */
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

/**
 * Milliseconds of the machine's monotonic clock, which is the same in every process and never
 * adjusted.
 */
export const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
