-- ?1 company, ?2 id
select s.id, s.name, s.url, s.events, s.description, s.headers, s.secret <> '' as signed, s.active, s.disabled_reason, s.preset, s.retry_attempts, s.retry_delay_s,
       s.timeout_ms, s.rate_limit, s.disable_failures, s.disable_ms, s.open_until, s.created_at, s.success, s.failed, s.failures, s.last_status, s.last_error, s.last_at,
       (select count(*) from (select 1 from deliveries as d indexed by deliveries_held
        where d.company = s.company and d.subscription = s.id and d.state = 'held' limit 1000)) as held
from subscriptions as s where s.company = +?1 and s.id = +?2
