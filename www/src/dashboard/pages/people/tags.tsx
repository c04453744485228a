// A person's tags: list, add, remove.

import { useState } from 'preact/hooks';
import { answer } from '../../../api';
import { useTask } from '../../load';
import { Form, Text } from '../../parts/forms';
import { Card, when } from '../../parts/display';
import type { UserCardProps } from './card';
import { Chip } from './filters';

export function Tags({ user, changed }: UserCardProps) {
  const [tag, setTag] = useState('');
  const task = useTask();
  const at = { params: { path: { id: user.id } } };
  const add = () =>
    task.run(async (admin) => {
      changed((await answer(admin.POST('/api/admin/users/{id}/tags', { ...at, body: { tags: [tag] } }))).user);
      setTag('');
    });
  const remove = (id: string) =>
    task.run(async (admin) =>
      changed((await answer(admin.DELETE('/api/admin/users/{id}/tags', { ...at, body: { tags: [id] } }))).user),
    );
  return (
    <Card title="Tags">
      {user.tags.length > 0 ? (
        <ul class="chips" aria-label="Tags">
          {user.tags.map(({ id, name, appliedAt }) => (
            <Chip
              key={id}
              label={name}
              what={`the tag ${name}`}
              title={`Since ${when(appliedAt)}`}
              disabled={task.busy}
              remove={() => remove(id)}
            />
          ))}
        </ul>
      ) : (
        <p class="quiet">None yet.</p>
      )}
      <Form inline task={task} act="Add" submit={add}>
        <Text label="New tag" value={tag} set={setTag} required maxLength={200} />
      </Form>
    </Card>
  );
}
