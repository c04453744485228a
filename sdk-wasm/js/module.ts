// The ES module, `import TrackMate from '…/trackmate.js'`: importing it does nothing, so a server may do it too.

import { compile } from './core';
import { create } from './create';

export default create(compile, async () => (await import('./trackmate.csp.js')).compile);
