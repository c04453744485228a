-- The leased deliveries, each with its event and its target.
returning id, subscription, message_id, event as event_name, profile, generation, tries, body,
  (select json_object('source', max(source, coalesce(sent_by_server, 0)), 'ts', ts, 'session', session, 'data', data, 'context', context) from events
   where company = deliveries.company and source = deliveries.source and message_id = deliveries.message_id) as event,
  (select json_object('url', url, 'headers', headers, 'secret', secret, 'old_secret', old_secret, 'old_secret_until', old_secret_until,
                      'preset', preset, 'attempts', retry_attempts, 'delay_s', retry_delay_s, 'timeout_ms', timeout_ms, 'failures', failures)
   from subscriptions where company = deliveries.company and id = deliveries.subscription) as target
