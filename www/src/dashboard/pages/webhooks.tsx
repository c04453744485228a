// Webhooks: the list, a new one, and one with its deliveries, settings and receiver code.

import { route } from '../route';
import { List } from './webhooks/list';
import { NewWebhook } from './webhooks/new';
import { WebhookPage } from './webhooks/webhook';
import './webhooks.css';

export default function Webhooks() {
  const [id, part = 'deliveries'] = route.value.rest;
  if (!id) return <List />;
  return id === 'new' ? <NewWebhook /> : <WebhookPage key={id} id={id} part={part} />;
}
