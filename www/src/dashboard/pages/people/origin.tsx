// Where a person was first seen: the page and the campaign of their first browser event.

import { answer } from '../../../api';
import { useLoad } from '../../load';

/**
 * Number of first events to look at. Events that identify a person name no page and are skipped.
 */
const LOOKED_AT = 20;
const IDENTIFIES = ['identify', 'user_registered', 'alias', 'registration.submitted'];

interface Context {
  page?: { url?: string; referrer?: string };
  campaign?: Record<string, string>;
}

/** Campaign, referrer and page in one line. */
function line({ page, campaign }: Context) {
  const named = ['source', 'medium', 'campaign']
    .map((name) => campaign?.[name])
    .filter(Boolean)
    .join(' / ');
  return [named, page?.referrer && `from ${page.referrer}`, page?.url && `to ${page.url}`].filter(Boolean).join(' ');
}

export function Origin({ id, version }: { id: string; version: number }) {
  const { data } = useLoad(
    async (admin, signal) => {
      const { events } = await answer(
        admin.GET('/api/admin/users/{id}/timeline', {
          params: { path: { id }, query: { limit: LOOKED_AT, order: 'asc' } },
          signal,
        }),
      );
      const first = events.find(({ source, eventType }) => source === 'browser' && !IDENTIFIES.includes(eventType));
      if (!first) return;
      const params = { path: { messageId: first.messageId }, query: { door: 'browser' as const } };
      return (await answer(admin.GET('/api/admin/events/{messageId}', { params, signal }))).event
        .context as Context | null;
    },
    [id, version],
  );
  return <>{(data && line(data)) || '–'}</>;
}
