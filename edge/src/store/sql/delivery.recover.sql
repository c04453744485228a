-- Resends a slice of the given-up deliveries, oldest first. ?8 keeps a walk from finding a delivery
-- again that it resent and that failed again.
-- ?1 company, ?2 subscription, ?3 since ms, ?4 until ms, ?5 state or null for all given-up ones, ?6
-- now ms, ?7 limit, ?8 given up before, ms
update deliveries set state = 'pending', tries = 0, interrupted = 0, due_at = +?6, finished_at = null
where company = +?1 and exists (select 1 from subscriptions where company = +?1 and id = +?2) and subscription = +?2 and id in (
  select id from deliveries
  where company = +?1 and subscription = +?2 and id >= format('%012x', ?3) and id < format('%012x', ?4)
    and state in ('exhausted', 'failed_permanent', 'dismissed') and finished_at < ?8 and (?5 is null or state = +?5)
  order by id limit +?7)
returning subscription, id
