// The receivers of examples/, each run as a customer runs it.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './harness.mjs';
import { freePort } from './wrangler.mjs';

const path = (file) => fileURLToPath(new URL(`../../examples/receivers/${file}`, import.meta.url));

export const LANGUAGES = {
  Node: { command: process.execPath, args: () => [path('node/receiver.mjs')] },
  Python: { command: 'python3', args: () => [path('python/receiver.py')] },
  // Without its settings, and so without any extension that is installed beside it: plain PHP has no mbstring.
  PHP: { command: 'php', args: (port) => ['-n', '-S', `127.0.0.1:${port}`, path('php/receiver.php')] },
};

/** Whether the language is on this machine. */
export const isHere = ({ command }) => spawnSync(command, ['--version']).status === 0;

/** Starts the receiver of a language, and waits until it answers → {url, said: what it wrote, close}. */
export async function startExample({ command, args }, secret, port) {
  port ??= await freePort();
  const child = spawn(command, args(port), { env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret }, stdio: ['ignore', 'pipe', 'pipe'] });
  const self = { url: `http://127.0.0.1:${port}/api/webhook`, said: '', close: () => child.kill('SIGKILL') };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (self.said += text));
  await until(`${command} answers`, () => fetch(self.url).then((answer) => answer.text(), () => ''));
  return self;
}
