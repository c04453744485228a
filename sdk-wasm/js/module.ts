// The ES module, `import TrackMate from '…/trackmate.js'`: importing it does nothing, so a server may do it too.

import { compile, prepare } from './core';
import { create } from './create';

export default create(compile, prepare, async () => (await import('./trackmate.csp.js')).compile);
