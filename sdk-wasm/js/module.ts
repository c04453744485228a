// The ES module, `import TrackMate from '…/trackmate.js'`. The import has no effect, so a server
// may import it too.

import { create } from './client';

export default create(async () => (await import('./trackmate.csp.js')).compile);
