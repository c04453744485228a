-- Aborts exports without progress, whose invocation has ended. Of all companies.
-- ?1 now ms, ?2 last progress before, ms
update exports set state = 'aborted', ended_at = +?1 where state = 'running' and touched_at < ?2
