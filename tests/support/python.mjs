// The Pythons that scripts/setup.sh made in the cache, each with the packages of one requirements file in it; there is none where the machine has no venv.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** The folder of the Python that has these packages. */
export const venv = (requirements) => join(cache, 'trackmate', `python-${createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16)}`);

export const python = join(venv(new URL('../seeds/requirements.txt', import.meta.url)), 'bin', 'python');
/** For a test that needs it: `false`, or why it is skipped. */
export const skip = existsSync(python) ? false : 'no Python with the packages of the tests (python3 with venv, then scripts/setup.sh test)';
