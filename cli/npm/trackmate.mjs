#!/usr/bin/env node
// `npx trackmate …`: runs the command-line tool's binary for this machine. The binary is in a
// package of its own for each platform, and npm installs only the one that fits.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const name = `@trackmate/cli-${process.platform}-${process.arch}`;
const file = process.platform === 'win32' ? 'trackmate.exe' : 'trackmate';
let binary;
try {
  binary = createRequire(import.meta.url).resolve(`${name}/${file}`);
} catch {
  console.error(`error: the package ${name} is not installed. Fix: install trackmate without --omit=optional;
if there is no such package for your machine, build trackmate from its source`);
  process.exit(1);
}

// The binary runs `dev` and `deploy` with the files of this package and this Node.
const env = {
  ...process.env,
  TRACKMATE_PACKAGE: fileURLToPath(new URL('..', import.meta.url)),
  TRACKMATE_NODE: process.execPath,
};
const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit', env });
// A terminal sends Ctrl-C to both. This process waits until the other has stopped.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`error: ${binary} does not run: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code) => process.exit(code ?? 1));
