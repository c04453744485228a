// Runs a benchmark so that it ends by itself, whatever fails: with exit code 0, or with one line
// that says why and exit code 1.
import { endChildren } from './child.mjs';
import { SMOKE } from './report.mjs';
import { stopAll, workerdProblem } from './worker.mjs';

/** A bench that takes longer is stuck. */
const WITHIN_MINUTES = SMOKE ? 3 : 90;
/** Longest wait for what still runs to stop. */
const STOP_WITHIN_MS = 10_000;

/**
 * From here on, a failure anywhere ends the process, also of a timer: so a dead child or workerd
 * ends it. Returns the function that ends it, which takes the failure, if any.
 */
export function endOnFailure() {
  let ends = false;
  const end = async (error) => {
    if (ends) return;
    ends = true;
    if (error) {
      const [line] = String(error.message ?? error).trim().split('\n');
      console.error(`FAILED: ${[workerdProblem(), line].filter(Boolean).join(': ')}`);
      process.exitCode = 1;
    }
    setTimeout(() => process.exit(), STOP_WITHIN_MS);
    endChildren();
    await stopAll().catch(() => {});
    process.exit();
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  setTimeout(() => end(new Error(`not done within ${WITHIN_MINUTES} minutes`)), WITHIN_MINUTES * 60_000);
  return end;
}

/** Runs `main`, and ends the process after it. */
export function run(main) {
  const end = endOnFailure();
  main().then(() => end(), end);
}
