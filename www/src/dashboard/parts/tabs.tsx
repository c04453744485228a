// Tabs of one page. Each has its own URL.

import { to } from '../route';

export function Tabs({
  label,
  tabs,
  current,
  at,
}: {
  label: string;
  tabs: [id: string, name: string][];
  current: string;
  at: (id: string) => string[];
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(([id, name]) => (
        <a key={id} href={to(at(id))} aria-current={id === current ? 'page' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}
