// Exports all data of one person, to be given to them.

import type { Schema } from '../../../api';
import { Dialog } from '../../parts/dialog';
import { NO_QUERY, Transfer } from '../exports/transfer';
import { displayName } from './list';

export function PersonExport({ user, close }: { user: Schema<'UserWith'>; close: () => void }) {
  return (
    <Dialog title={`Export ${displayName(user)}`} close={close}>
      <p>
        One JSON document with the profile, traits, tags, custom fields, consent, groups, records and all events. Give
        it to a person who asks for their data. The export is listed on the page Exports.
      </p>
      <Transfer
        request={{ path: `users/${encodeURIComponent(user.id)}/export`, query: NO_QUERY, format: 'json' }}
        rows={undefined}
      />
    </Dialog>
  );
}
