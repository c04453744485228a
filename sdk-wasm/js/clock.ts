// Two clocks: a monotonic one for the core, and the visitor's for the server.

import { attempt } from './store';

/** Some pages replace `performance` with an object of theirs. */
const clock = attempt(() => performance.now() >= 0) ? performance : Date;
export const now = () => clock.now();
/**
 * A time for the server as JSON. The server reads small numbers as seconds, so they go as ISO 8601.
 */
export const serverTime = (ms: number) => (ms < 1e11 ? `"${new Date(ms).toISOString()}"` : ms);
