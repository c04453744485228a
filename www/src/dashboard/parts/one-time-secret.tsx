// Shows a secret right after it was created. It is not shown again.

import type { ComponentChildren } from 'preact';
import { Copy } from './display';

export function OneTimeSecret({
  secret,
  label,
  children,
}: {
  secret: string;
  label: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="one-time-secret" role="status">
      <p>
        <strong>Copy the {label} now.</strong> It will not be shown again.
      </p>
      <Copy text={secret} label={label} />
      {children}
    </div>
  );
}
