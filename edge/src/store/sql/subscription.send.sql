-- The data for a test delivery.
-- ?1 company, ?2 id
select json_object('url', url, 'headers', headers, 'secret', secret, 'old_secret', old_secret, 'old_secret_until', old_secret_until,
                   'preset', preset, 'attempts', retry_attempts, 'delay_s', retry_delay_s, 'timeout_ms', timeout_ms, 'failures', failures) as target
from subscriptions where company = +?1 and id = +?2
