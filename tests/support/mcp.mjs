// A client of `trackmate mcp`, as tests run it: one message a line, in both directions.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What each request of a stateless version of the protocol states. */
export const STATELESS = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Starts the server. Returns {send, next, request, tool, close}. */
export function startMcp(bin, env, args = []) {
  const server = spawn(bin, ['mcp', ...args], { env: { TZ: 'UTC', ...env } });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  let [errors, id] = ['', 0];
  server.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  server.stdin.on('error', () => {}); // The server may end without reading.
  const send = (text) => server.stdin.write(`${text}\n`);
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the server ended: ${errors}`);
    return JSON.parse(value);
  };
  /** Sends a request and returns its answer. */
  const request = (method, params) => {
    send(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }));
    return next();
  };
  return {
    send,
    next,
    request,
    /** Calls a tool. Returns {text, isError}. */
    tool: async (name, values) => {
      const { result, error } = await request('tools/call', { name, arguments: values, _meta: STATELESS });
      if (error) throw new Error(JSON.stringify(error));
      return { text: result.content[0].text, isError: result.isError };
    },
    /** Closes the server's input. Returns {code, errors} when it has ended. */
    close: async () => {
      server.stdin.end();
      const [code] = server.exitCode === null ? await once(server, 'close') : [server.exitCode];
      return { code, errors };
    },
  };
}
