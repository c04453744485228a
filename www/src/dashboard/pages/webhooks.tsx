// Webhooks: the list, a new one, and one with its deliveries, settings and receiver code.

import { route } from '../route';
import { List } from './webhooks/list';
import { New } from './webhooks/new';
import { One } from './webhooks/webhook';
import './webhooks.css';

export default function Webhooks() {
  const [id, part = 'deliveries'] = route.value.rest;
  if (!id) return <List />;
  return id === 'new' ? <New /> : <One key={id} id={id} part={part} />;
}
