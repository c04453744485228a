-- Resends one finished delivery, if its subscription still exists.
-- ?1 company, ?2 subscription, ?3 id, ?4 now ms
update deliveries set state = 'pending', tries = 0, interrupted = 0, due_at = +?4, finished_at = null
where company = +?1 and subscription = +?2 and id = +?3 and state in ('delivered', 'exhausted', 'failed_permanent', 'dismissed')
  and exists (select 1 from subscriptions where company = +?1 and id = +?2)
returning subscription, id
