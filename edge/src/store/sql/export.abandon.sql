-- Exports without a sign of life have died with their invocation. Of all companies. ?1 now ms, ?2
-- touched before ms
update exports set state = 'aborted', ended_at = ?1 where state = 'running' and touched_at < ?2
