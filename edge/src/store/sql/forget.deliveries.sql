-- … and their deliveries. A delivery is created at the time its event arrives, so no index by event
-- is needed.
, subscribed (id) as (
  select min(subscription) from deliveries where company = +?1
  union all
  select (select min(subscription) from deliveries where company = +?1 and subscription > subscribed.id) from subscribed where subscribed.id is not null
),
sent as materialized (
  select d.subscription, d.id, d.attempts from (select distinct received_at from doomed) as r cross join subscribed as s cross join deliveries as d
    on d.company = +?1 and d.subscription = s.id and d.id between format('%012x', r.received_at) and format('%012xg', r.received_at)
  where (d.source, d.message_id) in (select source, message_id from doomed)
)
