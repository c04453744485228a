// The benchmark's child processes (load generator, receivers): messages between parent and child,
// and their shared clock.
import { fork } from 'node:child_process';

const running = new Set();

/**
 * Starts a process. Returns {ask, end}. `ask(message)` resolves to its answer, one message at a
 * time, or rejects with its error. A process that exits before its `end` ends the bench.
 */
export function startChild(file) {
  const child = fork(new URL(file, import.meta.url));
  let waiting;
  child.on('message', ({ answer, error }) => (error === undefined ? waiting.resolve(answer) : waiting.reject(new Error(error))));
  child.on('exit', (code, signal) => {
    if (running.delete(end)) throw new Error(`${file} ended by itself (${signal ?? code})`);
  });
  const end = () => running.delete(end) && child.kill('SIGKILL');
  running.add(end);
  return {
    ask(message) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        child.send(message, () => {}); // without a receiver, the exit says why
      });
    },
    end,
  };
}

/** Ends all processes that still run. */
export const endChildren = () => running.forEach((end) => end());

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
