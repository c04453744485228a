// Merges a person into another: the choice of the other person, and what the merge does.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask, useLoad } from '../../load';
import { Confirm } from '../../parts/dialog';
import { Text } from '../../parts/forms';
import { Problem, notify } from '../../parts/feedback';
import { plural } from '../../parts/display';
import { go } from '../../route';
import { displayName } from './list';

const FOUND = 8;

export function Merge({
  user,
  summary,
  close,
}: {
  user: Schema<'UserWith'>;
  summary: Schema<'Summary'>;
  close: () => void;
}) {
  const [search, setSearch] = useState('');
  const [into, setInto] = useState<Schema<'UserWith'>>();
  const found = useLoad(
    async (admin, signal) =>
      search.trim()
        ? (
            await answer(
              admin.GET('/api/admin/users', { params: { query: { search: search.trim(), limit: FOUND } }, signal }),
            )
          ).users
        : [],
    [search.trim()],
  );
  const task = useTask();
  const run = () =>
    task.run(async (admin) => {
      if (!into) return;
      await answer(admin.POST('/api/admin/identity/merge', { body: { into: into.id, from: user.id } }));
      notify(`${displayName(user)} was merged into ${displayName(into)}.`);
      go(['people', into.id]);
    });
  const others = found.data?.filter(({ id }) => id !== user.id);
  return (
    <Confirm
      title={`Merge ${displayName(user)} into another person`}
      act="Merge"
      task={task}
      close={close}
      run={run}
      disabled={!into}
    >
      <Text label="Merge into" type="search" value={search} set={setSearch} placeholder="Name, address, phone…" />
      <Problem error={found.error} />
      <div class="found" role="radiogroup" aria-label="People found" aria-busy={found.busy}>
        {others?.map((other) => (
          <label key={other.id}>
            <input type="radio" name="into" checked={into?.id === other.id} onChange={() => setInto(other)} />{' '}
            {displayName(other)} <span class="quiet">{other.name ? other.email : ''}</span>
          </label>
        ))}
        {search.trim() && others?.length === 0 && !found.busy && (
          <p class="quiet">No other person matches these words.</p>
        )}
      </div>
      {into && (
        <ul>
          <li>
            {displayName(into)} gets {plural(summary.totalEvents, 'event')}, all sessions, email addresses and records
            of {displayName(user)}.
          </li>
          <li>
            Traits that your servers set for {displayName(into)} stay; those of {displayName(user)} fill the gaps. Of
            traits that pages claimed, the first claim stays.
          </li>
          <li>
            The id <code>{user.id}</code> finds {displayName(into)} from then on. Webhooks receive{' '}
            <code>user.merged</code>.
          </li>
          <li>You can undo the merge on the page of {displayName(into)}, under Identities.</li>
        </ul>
      )}
    </Confirm>
  );
}
