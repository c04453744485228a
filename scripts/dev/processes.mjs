// The processes of `make dev` and `trackmate dev`: starts, watches and stops them, and reports steps
// and failures.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { displayPath, FILES, lastLines, PORT, startCommand, STATE } from './environment.mjs';

/** Child processes by name. Each leads its own process group. */
const children = new Map();
/** `isReady` is true while FILES.ready exists. */
export const state = { isStopping: false, isReady: false, ownsLock: false, cronTimer: undefined };
let stepName = '';
let stepStart = Date.now();

export const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);

/** A failure, with the fix for the person at the terminal. */
export class Failure extends Error {
  constructor(message, fix) {
    super(message);
    this.fix = fix;
  }
}

export function step(name) {
  stepDone();
  stepName = name;
  stepStart = Date.now();
  console.log(`==> ${name} …`);
}

export function stepDone() {
  if (stepName) console.log(`    ${stepName}: ${seconds(stepStart)} s`);
  stepName = '';
}

/**
 * Starts a program in its own process group, so that stopping it also stops everything that it
 * started.
 */
export function start(name, command, args, env, log) {
  if (state.isStopping) throw new Error('stopping');
  const fd = openSync(log, 'w', 0o600);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', fd, fd], env: { ...process.env, ...env } });
  closeSync(fd);
  children.set(name, child);
  child.exited = new Promise((done) => {
    child.once('exit', (code, signal) => done(signal ?? code));
    child.once('error', (error) => done(error.message));
  });
  child.exited.then((how) => {
    child.hasExited = true;
    if (!state.isStopping) onExit(name, how, log);
  });
  return child;
}

export const forget = (name) => children.delete(name);
export const hasExited = (name) => children.get(name)?.hasExited;

/** Terminates a child's process group. Kills it after five seconds. */
async function end(name) {
  const child = children.get(name);
  if (!child?.pid) return;
  children.delete(name);
  const signal = (kind) => {
    try {
      process.kill(-child.pid, kind);
      return true;
    } catch {
      return false; // The group is empty.
    }
  };
  signal('SIGTERM');
  for (const until = Date.now() + 5_000; Date.now() < until && signal(0);) await pause(50);
  signal('SIGKILL');
}

function onExit(name, how, log) {
  if (name.startsWith('shop')) {
    children.delete(name);
    console.warn(`WARNING: the shop server exited (${how}). The rest keeps running. Its log: ${displayPath(log)}`);
    return;
  }
  if (state.isReady) fail(workerExited(how, log));
  // Before that, the code that waits for the Worker sees `hasExited` and reports it.
}

export const workerExited = (how, log) =>
  new Failure(`the Worker exited (${how})\n${lastLines(log, 20)}`, `read ${displayPath(log)}, then start again`);

export async function stop(code) {
  if (state.isStopping) return;
  state.isStopping = true;
  clearTimeout(state.cronTimer);
  if (state.isReady) rmSync(FILES.ready, { force: true });
  await Promise.all([...children.keys()].map(end));
  rmSync(FILES.env, { force: true });
  if (state.ownsLock) rmSync(FILES.lock, { force: true });
  process.exit(code);
}

export function fail(error) {
  if (state.isStopping) return;
  console.error(`FAILED: ${stepName || startCommand()} (${seconds(stepStart)} s): ${error.message}`);
  console.error(`Fix: ${error.fix ?? `read ${displayPath(FILES.log)}`}`);
  stop(1);
}

/** Locks the STATE folder: two local runtimes on one D1 folder would corrupt it. */
export function lockState() {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const pid = Number(existsSync(FILES.lock) ? readFileSync(FILES.lock, 'utf8') : 0);
  // A container's process often has the number that the one before it had.
  if (pid && pid !== process.pid && isDevProcess(pid)) {
    throw new Failure(
      `${displayPath(STATE)} is in use by another system (process ${pid})`,
      `stop it, or use another folder and port: ${startCommand({ STATE: '.trackmate/other', PORT: PORT + 10 })}`,
    );
  }
  writeFileSync(FILES.lock, String(process.pid));
  state.ownsLock = true;
}

function isDevProcess(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const args = execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return /(dev|serve)\.mjs/.test(args);
  } catch {
    return true; // Without ps, assume that the running process is such a system.
  }
}

export function portIsFree(port) {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}

export function portAnswers(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
