-- The targets of the deliveries that deliveries.insert, the previous statement, has written. If it
-- has written none, no subscription is read.
-- ?1 company, ?2 now ms
select id, json_object('url', url, 'headers', headers, 'secret', secret, 'old_secret', old_secret, 'old_secret_until', old_secret_until,
                       'preset', preset, 'attempts', retry_attempts, 'delay_s', retry_delay_s, 'timeout_ms', timeout_ms, 'failures', failures) as target,
       active = 1 and coalesce(open_until <= ?2, rate_limit is not null) as has_free_slot
from (select 1 where changes() > 0) cross join subscriptions as s
where company = +?1 and exists (select 1 from deliveries where company = +?1 and subscription = s.id and id between format('%012x', ?2) and format('%012xg', ?2))
