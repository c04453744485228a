-- Dismisses due deliveries of deleted webhooks without a wake-up. An older version could leave such
-- rows, and a wake-up for each would block the queue. A company that is being copied to this cell
-- has its deliveries before its webhooks.
-- ?1 now ms, ?2 most deliveries, ?3 company and ?4 subscription of the place, ?5 most webhooks
, orphan as materialized (
  select place ->> 0 as company, place ->> 1 as subscription from walk
  where place is not null and not exists (select 1 from away where company = place ->> 0)
    and not exists (select 1 from subscriptions where company = place ->> 0 and id = place ->> 1)
)
update deliveries set state = 'dismissed', finished_at = +?1
where (company, subscription, id) in (
  select d.company, d.subscription, d.id from orphan as o cross join deliveries as d indexed by deliveries_due
    on d.state in ('pending', 'leased') and d.company = o.company and d.subscription = o.subscription and d.due_at <= ?1
  limit +?2)
