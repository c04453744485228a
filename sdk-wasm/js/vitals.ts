// Web vitals as events, in a file beside the SDK: `import vitals from '…/vitals.js';
// vitals(TrackMate)`. Each of CLS, INP and LCP is tracked once, as `web_vital`, when its value is
// final.

import { onCLS, onINP, onLCP, type Metric } from 'web-vitals';
import type { TrackMate } from './trackmate';

export default function vitals(sdk: TrackMate) {
  const track = ({ name, value, rating, id, navigationType }: Metric) =>
    sdk.track('web_vital', { name, value, rating, navigationType }, { messageId: id });
  onCLS(track);
  onINP(track);
  onLCP(track);
}
