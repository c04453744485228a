-- Dismisses the open deliveries of a deleted subscription, without reading its log.
-- ?1 company, ?2 subscription, ?3 now ms
update deliveries set state = 'dismissed', finished_at = +?3
where company = +?1 and subscription = +?2 and id in (
  select id from deliveries indexed by deliveries_due
  where company = +?1 and subscription = +?2 and state in ('pending', 'leased')
  union all
  select id from deliveries indexed by deliveries_held where company = +?1 and subscription = +?2 and state = 'held')
