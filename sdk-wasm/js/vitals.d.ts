// Web vitals as events.

import type { TrackMate } from './trackmate.js';

/**
 * Tracks each of CLS, INP and LCP once, as `web_vital` with `{name, value, rating,
 * navigationType}`, when its value is final.
 */
export default function vitals(sdk: TrackMate): void;
