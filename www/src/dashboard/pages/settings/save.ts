// Saving some of the settings.

import { answer, type Schema } from '../../../api';
import { useDoing } from '../../load';
import { say } from '../../parts/feedback';

export type Settings = Schema<'Settings'>;

export interface Of {
  settings: Settings;
  saved: (settings: Settings) => void;
}

/** What one card saves → the settings as they are then, undefined if it did not go well. */
export function useSaving(saved: Of['saved']) {
  const doing = useDoing();
  const save = async (body: Schema<'SettingsChange'>) => {
    let settings: Settings | undefined;
    const went = await doing.run(async (admin) => {
      ({ settings } = await answer(admin.PATCH('/api/admin/settings', { body })));
      // A secret is passed on to whoever asked for it, and kept nowhere.
      saved({ ...settings, identitySecret: undefined });
    });
    if (went) say('Saved.');
    return went ? settings : undefined;
  };
  return { doing, save };
}

/** A text of lines as a list. */
export const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter(Boolean);
