// Saves a part of the settings.

import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { notify } from '../../parts/feedback';

export type Settings = Schema<'Settings'>;

export interface SettingsCardProps {
  settings: Settings;
  saved: (settings: Settings) => void;
}

/**
 * Saves the settings of one card. `save` resolves to the new settings, or to undefined if it
 * failed.
 */
export function useSave(saved: SettingsCardProps['saved']) {
  const task = useTask();
  const save = async (body: Schema<'SettingsChange'>) => {
    let settings: Settings | undefined;
    const succeeded = await task.run(async (admin) => {
      ({ settings } = await answer(admin.PATCH('/api/admin/settings', { body })));
      // Only the caller gets the secret. It is not kept in the page's state.
      saved({ ...settings, identitySecret: undefined });
    });
    if (succeeded) notify('Saved.');
    return succeeded ? settings : undefined;
  };
  return { task, save };
}

/** The lines of a text, without empty ones. */
export const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
