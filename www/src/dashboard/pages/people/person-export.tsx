// All there is of one person, to be handed to them.

import type { Schema } from '../../../api';
import { Dialog } from '../../parts/forms';
import { NO_QUERY, Transfer } from '../exports/transfer';
import { displayName } from './list';

export function PersonExport({ user, close }: { user: Schema<'UserWith'>; close: () => void }) {
  return (
    <Dialog title={`Export ${displayName(user)}`} close={close}>
      <p>One JSON document with the profile, traits, tags, custom fields, consent, groups, belongings and every event: what to hand to somebody who asks for their data. It is noted in the list of exports.</p>
      <Transfer request={{ path: `users/${encodeURIComponent(user.id)}/export`, query: NO_QUERY, format: 'json' }} rows={undefined} />
    </Dialog>
  );
}
