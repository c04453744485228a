// All there is of one person, to be handed to them.

import type { Schema } from '../../../api';
import { Dialog } from '../../parts/forms';
import { plain, Transfer } from '../exports/transfer';
import { called } from './list';

export function TakeAway({ user, close }: { user: Schema<'UserWith'>; close: () => void }) {
  return (
    <Dialog title={`Export ${called(user)}`} close={close}>
      <p>One JSON document with the profile, traits, tags, custom fields, consent, groups, belongings and every event: what to hand to somebody who asks for their data. It is noted in the list of exports.</p>
      <Transfer wanted={{ path: `users/${encodeURIComponent(user.id)}/export`, query: plain, format: 'json' }} rows={undefined} />
    </Dialog>
  );
}
