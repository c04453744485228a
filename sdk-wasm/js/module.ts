// The ES module, `import TrackMate from '…/trackmate.js'`: importing it does nothing, so a server may do it too.

import { create } from './client';

export default create(async () => (await import('./trackmate.csp.js')).compile);
