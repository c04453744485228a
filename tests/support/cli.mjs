// The command-line manager's binary, as a test runs it.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The path of the binary: TRACKMATE_BIN, else this tree's, built if it is not up to date. */
export function trackmate() {
  if (process.env.TRACKMATE_BIN) return process.env.TRACKMATE_BIN;
  execFileSync('cargo', ['build', '--quiet', '--package', 'trackmate-cli'], { cwd: ROOT, stdio: 'inherit' });
  return resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/trackmate');
}
