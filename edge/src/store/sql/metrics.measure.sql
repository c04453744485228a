-- Gauges of all companies for the metrics: deliveries that have not ended, the webhooks with an
-- open circuit, and when the delivery that waits longest was due. Begins with the walk, from the
-- first webhook on.
-- ?1 now ms, ?2 most rows of a count, ?3 and ?4 '', ?5 most webhooks
, oldest as materialized (
  select (select due_at from deliveries indexed by deliveries_due
          where state in ('pending', 'leased') and company = place ->> 0 and subscription = place ->> 1 and due_at <= ?1
          order by due_at limit 1) as due_at
  from walk where place is not null
), open as materialized (
  select state from deliveries indexed by deliveries_due where state in ('pending', 'leased') limit +?2
), paced as materialized (
  select open_until from subscriptions indexed by subscriptions_paced where open_until is not null or rate_limit is not null limit +?2
)
select (select count(*) from open where state = 'pending') as pending,
       (select count(*) from open where state = 'leased') as leased,
       (select count(*) from (select 1 from deliveries indexed by deliveries_held where state = 'held' limit +?2)) as held,
       (select count(*) from paced where open_until is not null) as circuits,
       (select count(*) from paced) as paced,
       (select count(*) from oldest) as webhooks,
       (select min(due_at) from oldest) as oldest_due
