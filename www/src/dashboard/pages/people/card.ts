// What the cards of a person's page are given.

import type { Schema } from '../../../api';

export interface UserCardProps {
  user: Schema<'UserWith'>;
  /** Shows the user as the API returned it after a change. */
  changed: (user: Schema<'User'>) => void;
}
