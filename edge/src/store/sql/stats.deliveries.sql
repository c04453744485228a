-- The deliveries to a company's subscriptions that were written in a range: how many in each of its spans by their state of now, and of those delivered the
-- percentiles (nearest rank) of the ms from being written, when the event came in, to the end of the first attempt that succeeded.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, from ?5 on four times: when the clocks change that tell the days, ms, and by how many ms
with made as materialized (
  select (d.created_at - cast(?2 as integer) + iif(d.created_at >= ?5, cast(?6 as integer), 0) + iif(d.created_at >= ?7, cast(?8 as integer), 0)
          + iif(d.created_at >= ?9, cast(?10 as integer), 0) + iif(d.created_at >= ?11, cast(?12 as integer), 0)) / cast(?4 as integer) as place, d.state,
         iif(d.state = 'delivered', (
           select min(a.at + a.duration_ms) from attempts as a where a.company = ?1 and a.delivery = d.id and a.success = 1) - d.created_at, null) as ms
  from subscriptions as s cross join deliveries as d indexed by deliveries_by_subscription
    on d.company = ?1 and d.subscription = s.id and d.created_at >= ?2 and d.created_at < ?3
  where s.company = ?1
),
ranked as (select ms, row_number() over (order by ms) as n, count(*) over () as total from made where ms is not null)
select place, state, count(*) as n, null as p50, null as p90, null as p99 from made group by place, state
union all
select null, null, max(total),
       max(iif(n = (total * 50 + 99) / 100, ms, null)), max(iif(n = (total * 90 + 99) / 100, ms, null)), max(iif(n = (total * 99 + 99) / 100, ms, null))
from ranked having max(total) is not null
