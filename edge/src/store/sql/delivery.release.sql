-- Releases or dismisses some of the held deliveries.
-- ?1 company, ?2 subscription, ?3 'deliver' or 'dismiss', ?4 now ms, ?5 limit, ?6 only those
-- created before this are dismissed, ms
update deliveries set
  state = case ?3 when 'dismiss' then 'dismissed' else 'pending' end,
  finished_at = case ?3 when 'dismiss' then ?4 end,
  due_at = +?4
where company = +?1 and subscription = +?2 and id in (
  select id from deliveries indexed by deliveries_held where company = +?1 and subscription = +?2 and state = 'held' and (?3 = 'deliver' or id < format('%012x', ?6))
  order by id limit +?5)
