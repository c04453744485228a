// Each benchmark in its smallest size: that it runs, that what it measures are numbers, and that its
// own checks pass. Goals are not checked, since this machine may be busy. Also that a bench ends by
// itself when something that it needs does not run, and that the drawn results are up to date.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drawn } from './draw.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A bench ends itself before, and says why. */
const LIMIT_MS = 240_000;
const chromium = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
const isLinux = existsSync('/proc/self/stat');

/**
 * Runs a bench in its smallest size. `during(process)` runs beside it. Returns {code, stdout,
 * stderr}; fails if it does not end.
 */
async function smoke(bench, env = {}, during = () => {}) {
  const child = spawn(process.execPath, [`bench/${bench}.mjs`], { cwd: ROOT, env: { ...process.env, SMOKE: '1', ...env } });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  await Promise.race([ended, during(child, output)]);
  const { code, signal } = await ended;
  clearTimeout(limit);
  assert.equal(signal, null, `it did not end: ${output.stdout}`);
  return { code, ...output };
}

/** Fails unless every leaf is a text, a truth value or a finite number (JSON writes others as null). */
function assertFinite(value, place) {
  if (value !== null && typeof value === 'object') for (const [name, part] of Object.entries(value)) assertFinite(part, `${place}.${name}`);
  else assert.ok(typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value), `${place} is ${value}`);
}

for (const bench of ['ingest', 'compat', 'deliver', 'users', 'neighbours', 'pages', 'sdk']) {
  const skip = ['pages', 'sdk'].includes(bench) && !chromium && 'needs Chromium';
  test(`the bench of ${bench} runs, measures, and passes its own checks`, { skip }, async () => {
    const { code, stdout, stderr } = await smoke(bench);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const figures = JSON.parse(stdout.trim().split('\n').at(-1));
    assert.equal(figures.bench, bench);
    assertFinite(figures, bench);
  });
}

/** The processes that a process has started, with their command lines. */
function childrenOf(pid) {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).flatMap((entry) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return parent === pid ? [{ pid: Number(entry), command: readFileSync(`/proc/${entry}/cmdline`, 'utf8') }] : [];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

/**
 * Kills the child of the bench whose command line has this word, once there is one, and one with the
 * other word.
 */
const killing = (word, other = word) => async (bench) => {
  while (bench.exitCode === null) {
    const [found, also] = [word, other].map((part) => childrenOf(bench.pid).find(({ command }) => command.includes(part)));
    if (found && also) return process.kill(found.pid, 'SIGKILL');
    await new Promise((next) => setTimeout(next, 20));
  }
};

const failures = [
  ['a receiver dies', 'deliver', {}, killing('receiver.mjs'), /receiver\.mjs ended by itself \(SIGKILL\)/],
  ['workerd dies under load', 'compat', {}, killing('workerd', 'load.mjs'), /workerd ended by itself/],
  ['workerd cannot start', 'users', { MINIFLARE_WORKERD_PATH: '/bin/false' }, undefined, /workerd did not start/],
  ['the other build is not there', 'ingest', { BASE: '/nothing' }, undefined, /BASE/],
];
for (const [what, bench, env, during, why] of failures) {
  test(`a bench ends with one line and exit code 1 when ${what}`, { skip: !isLinux && 'needs /proc' }, async () => {
    const { code, stderr } = await smoke(bench, env, during);
    assert.equal(code, 1);
    const lines = stderr.split('\n').filter((line) => line.startsWith('FAILED: '));
    assert.equal(lines.length, 1, stderr);
    assert.match(lines[0], why);
  });
}

test('the table and the chart of the results show the figures in results/', () => {
  for (const [name, text] of Object.entries(drawn())) {
    assert.equal(readFileSync(new URL(name, import.meta.url), 'utf8'), text, 'node bench/draw.mjs writes it');
  }
});
