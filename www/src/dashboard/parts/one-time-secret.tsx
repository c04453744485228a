// A secret in the moment it is made: it is shown once, and never again.

import type { ComponentChildren } from 'preact';
import { Copy } from './display';

export function OneTimeSecret({ secret, label, children }: { secret: string; label: string; children?: ComponentChildren }) {
  return (
    <div class="one-time-secret" role="status">
      <p><strong>Copy the {label} now.</strong> It is not shown again.</p>
      <Copy text={secret} label={label} />
      {children}
    </div>
  );
}
