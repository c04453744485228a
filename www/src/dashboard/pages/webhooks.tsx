// Webhooks: the list, a new webhook, and the page of one webhook.

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
