-- Takes a subscription's turn, if it has one and something waits for it: the probe of an open circuit whose time has come, or this second's share.
-- ?1 company, ?2 id, ?3 now ms, ?4 ms that a probe may take beyond the timeout
update subscriptions set
  probe = case when open_until is not null then (
    select id from deliveries where company = ?1 and subscription = ?2 and state = 'held' order by created_at limit 1) end,
  open_until = case when open_until is not null then ?3 + timeout_ms + ?4 end,
  rate_at = ?3 + 1000
where company = ?1 and id = ?2 and active = 1 and (open_until is not null or rate_limit is not null)
  and coalesce(open_until, 0) <= ?3 and coalesce(rate_at, 0) <= ?3
  and exists (select 1 from companies where id = ?1 and webhooks_enabled = 1)
  and exists (select 1 from deliveries where company = ?1 and subscription = ?2 and state = 'held')
