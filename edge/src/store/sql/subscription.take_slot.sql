-- Takes the throttle slot of a subscription, if it is free and deliveries are held. A throttle slot
-- is the right to send the probe of an open circuit whose time has come, or the deliveries that the
-- rate limit allows in this second. A delivery that waits for the end of an erasure is no probe.
-- ?1 company, ?2 id, ?3 now ms, ?4 ms that a probe may take beyond the timeout, ?5 held deliveries
-- read
update subscriptions set
  probe = case when open_until is not null then (
    select id from (
      select id, source, message_id, profile from deliveries indexed by deliveries_held
      where company = +?1 and subscription = +?2 and state = 'held' order by id limit +?5) as d
    where not exists (
      select 1 from erasures as r indexed by erasures_open
      where r.company = +?1 and r.completed_at is null and r.notice <> d.message_id
        and (r.profile = d.profile or exists (
          select 1 from events as e cross join links as l on l.company = e.company and l.session = e.session and +l.profile = r.profile
          where e.company = +?1 and e.source = d.source and e.message_id = d.message_id)))
    order by id limit 1) end,
  open_until = case when open_until is not null then ?3 + timeout_ms + ?4 end,
  rate_at = +?3 + 1000
where company = +?1 and id = +?2 and active = 1 and (open_until is not null or rate_limit is not null)
  and coalesce(open_until, 0) <= ?3 and coalesce(rate_at, 0) <= ?3
  and exists (select 1 from companies where id = +?1 and webhooks_enabled = 1)
  and exists (select 1 from deliveries indexed by deliveries_held where company = +?1 and subscription = +?2 and state = 'held')
