-- Deletes old secrets whose time is over, the oldest first.
-- ?1 now ms, ?2 limit
update subscriptions set old_secret = null, old_secret_until = null
where (company, id) in (
  select company, id from subscriptions where old_secret_until <= ?1 order by old_secret_until limit +?2)
