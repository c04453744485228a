// The command-line manager's binary, as tests run it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './harness.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The exit codes, by meaning. */
export const EXIT = { done: 0, failed: 1, usage: 2, notAuthorised: 3, notFound: 4, unreachable: 5 };

/** The path of the binary: TRACKMATE_BIN, else the binary of this tree, built if necessary. */
export function trackmate() {
  if (process.env.TRACKMATE_BIN) return process.env.TRACKMATE_BIN;
  execFileSync('cargo', ['build', '--quiet', '--package', 'trackmate-cli'], { cwd: ROOT, stdio: 'inherit' });
  return resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/trackmate');
}

/** Asserts that a run of the binary succeeded. Returns the run. */
export function done(result) {
  assert.equal(result.code, EXIT.done, result.stdout + result.stderr);
  return result;
}

/** The binary in an empty folder of its own. Returns {folder, run, listen, close}. */
export function commandLine() {
  const bin = trackmate();
  const folder = mkdtempSync(join(tmpdir(), 'trackmate-cli-'));

  /** Starts the binary without this machine's settings. */
  function start(args, env, cwd = folder, [program, ...before] = [bin]) {
    return spawn(program, [...before, ...args], { cwd, env: { HOME: folder, TZ: 'UTC', ...env } });
  }

  /**
   * Runs the binary to its end. Returns {code, stdout, stderr, json}. With `terminal` it has one,
   * made by `script`, and all its output is in stdout.
   */
  async function run(args, { env, input = '', cwd, terminal = false } = {}) {
    const child = terminal
      ? start([], { ...env, PATH: process.env.PATH }, cwd, ['script', '-qec', `'${bin}' ${args.join(' ')}`, '/dev/null'])
      : start(args, env, cwd);
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (part) => (text[stream] += part));
    child.stdin.on('error', () => {}); // The process may end without reading.
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return {
      code,
      ...text,
      get json() {
        return JSON.parse(text.stdout);
      },
    };
  }

  /** Starts `listen`. Returns {url, text(), lines()} with its output so far. */
  async function listen(t, args) {
    const child = start(['listen', '--port', '0', ...args]);
    t.after(() => child.kill('SIGKILL'));
    let out = '';
    let notes = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (out += part));
    child.stderr.setEncoding('utf8').on('data', (part) => (notes += part));
    const [, url] = await until('listening', () => notes.match(/Listening on (http:\S+)/));
    return {
      url,
      text: () => out,
      lines: () =>
        out
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
    };
  }

  return { folder, run, listen, close: () => rmSync(folder, { recursive: true, force: true }) };
}
