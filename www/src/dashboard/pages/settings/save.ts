// Saving some of the settings.

import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { notify } from '../../parts/feedback';

export type Settings = Schema<'Settings'>;

export interface SettingsCardProps {
  settings: Settings;
  saved: (settings: Settings) => void;
}

/** What one card saves → the settings as they are then, undefined if it did not go well. */
export function useSave(saved: SettingsCardProps['saved']) {
  const task = useTask();
  const save = async (body: Schema<'SettingsChange'>) => {
    let settings: Settings | undefined;
    const succeeded = await task.run(async (admin) => {
      ({ settings } = await answer(admin.PATCH('/api/admin/settings', { body })));
      // A secret is passed on to whoever asked for it, and kept nowhere.
      saved({ ...settings, identitySecret: undefined });
    });
    if (succeeded) notify('Saved.');
    return succeeded ? settings : undefined;
  };
  return { task, save };
}

/** A text of lines as a list. */
export const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter(Boolean);
