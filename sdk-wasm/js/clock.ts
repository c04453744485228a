// The time: one clock that never jumps for the core, and the visitor's for the server.

import { attempt } from './store';

/** Pages have a `performance` of their own. */
const clock = attempt(() => performance.now() >= 0) ? performance : Date;
export const now = () => clock.now();
/** A time for the server, which takes small numbers for seconds. */
export const serverTime = (ms: number) => (ms < 1e11 ? `"${new Date(ms).toISOString()}"` : ms);
