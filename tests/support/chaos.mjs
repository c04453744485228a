// Receivers that misbehave, on raw sockets: what an HTTP server would never let itself do is done here on purpose.
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { until } from './harness.mjs';

const head = (status, headers = {}) => `HTTP/1.1 ${status} -\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

/** Answers completely and keeps the connection. */
export const answer =
  (status, headers = {}, body = 'ok') =>
  (socket) =>
    socket.write(head(status, { 'content-length': Buffer.byteLength(body), ...headers }) + body);

/** Takes the request and resets the connection. */
export const reset = (socket) => socket.resetAndDestroy();

/** Takes the request and says nothing. */
export const hang = () => {};

/** Says these bytes and closes. */
export const say = (text) => (socket) => socket.end(text);

/** Promises a thousand bytes and closes after ten. */
export const breakOff = (status) => say(`${head(status, { 'content-length': 1000 })}0123456789`);

/** Answers with a body that is declared short and is `bytes` long once unpacked. */
export const unpacks = (status, bytes) => {
  const packed = gzipSync(Buffer.alloc(bytes, 'x'), { level: 9 });
  return (socket) => {
    socket.write(head(status, { 'content-encoding': 'gzip', 'content-length': packed.length }));
    socket.write(packed);
  };
};

/** Says one byte a second. */
const dripping = (socket, text) => {
  let said = 0;
  const timer = setInterval(() => socket.write(text[said++ % text.length]), 1000);
  socket.once('close', () => clearInterval(timer));
};
export const dripHead = (status) => (socket) => dripping(socket, head(status));
export const dripBody = (status) => (socket) => {
  socket.write(head(status, { 'content-type': 'text/plain' }));
  dripping(socket, 'drip');
};

/** Says `bytes` of body, or of header if there is no status, as fast as they are taken; `sent` hears of each piece. */
export const flood = (status, bytes, sent) => (socket) => {
  const piece = Buffer.alloc(64 * 1024, status ? 'x' : `x-header: ${'y'.repeat(1012)}\r\n`);
  socket.write(status ? head(status, { 'content-type': 'text/plain' }) : 'HTTP/1.1 200 OK\r\n');
  let left = bytes;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= piece.length;
      sent(piece.length);
      if (!socket.write(piece)) return void socket.once('drain', more);
    }
    socket.end();
  };
  more();
};

/** Numbers from 0 to 1 that come again with the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The request at the beginning of these bytes, once it is complete. */
function read(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const length = end + 4 + Number(headers['content-length']);
  if (bytes.length < length) return null;
  return { length, path: first.split(' ')[1], headers, body: bytes.subarray(end + 4, length), at: Date.now() };
}

/**
 * Starts a receiver on a free loopback port. `behave(request, number)` → what to do on the socket, one of the above; `number` counts from 1.
 * `refuse()` says whether a new connection is reset before anything of it is read.
 * → {url, requests, refused, allClosed, close}; a request is {id, path, headers, body, at}.
 */
export async function startChaos(behave, { refuse = () => false } = {}) {
  const requests = [];
  const sockets = new Set();
  const self = { requests, refused: 0 };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The other side may be killed.
    socket.once('close', () => sockets.delete(socket));
    if (refuse()) {
      self.refused += 1;
      socket.resetAndDestroy();
      return;
    }
    let bytes = Buffer.alloc(0);
    socket.on('data', (part) => {
      bytes = Buffer.concat([bytes, part]);
      for (let request = read(bytes); request; request = read(bytes)) {
        bytes = bytes.subarray(request.length);
        request.id = request.headers['webhook-id'];
        requests.push(request);
        behave(request, requests.length)(socket);
      }
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return Object.assign(self, {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Waits until all connections are closed, so that everything that was sent on them is in `requests`. */
    allClosed: () => until('all connections to be closed', () => sockets.size === 0),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(closed));
    },
  });
}
