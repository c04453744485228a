// The Python that scripts/setup.sh test made in the cache, with tests/seeds/requirements.txt in it; there is none where the machine has no venv.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const wanted = createHash('sha256').update(readFileSync(new URL('../seeds/requirements.txt', import.meta.url))).digest('hex');
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

export const python = join(cache, 'trackmate', `python-${wanted.slice(0, 16)}`, 'bin', 'python');
/** For a test that needs it: `false`, or why it is skipped. */
export const skip = existsSync(python) ? false : 'no Python with the packages of the tests (python3 with venv, then scripts/setup.sh test)';
