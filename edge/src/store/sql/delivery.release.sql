-- Releases or dismisses some of the held deliveries.
-- ?1 company, ?2 subscription, ?3 'deliver' or 'dismiss', ?4 now ms, ?5 limit, ?6 only those
-- created before this are dismissed, ms
update deliveries set
  state = case ?3 when 'dismiss' then 'dismissed' else 'pending' end,
  finished_at = case ?3 when 'dismiss' then ?4 end,
  due_at = +?4
where company = +?1 and id in (
  select id from deliveries where company = +?1 and subscription = +?2 and state = 'held' and (?3 = 'deliver' or created_at < ?6)
  order by created_at limit +?5)
