-- A slice of the deliveries of a company that were created in a range. Returns their number by span
-- and present state, and the number of delivered ones by duration. The duration in ms is from the
-- creation of the delivery, which is the arrival of its event, to the end of the first successful
-- attempt. The last row has the place of the next slice if there may be one.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, ?5 to ?12 four changes of the clocks (each:
-- when, ms, and by how many ms), ?13 ?14 ?15 after this subscription, time and id, ?16 limit
with slice as materialized (
  select s.id as subscription, d.created_at, d.id
  from subscriptions as s cross join deliveries as d
    on d.company = +?1 and d.subscription = s.id and d.id >= format('%012x', max(?2, iif(s.id = +?13, ?14, 0))) and d.id < format('%012x', ?3)
  where s.company = +?1 and s.id >= ?13 and (s.id > ?13 or d.id > ?15)
  order by s.id, d.id limit +?16
),
made as materialized (
  select (d.created_at - cast(?2 as integer) + iif(d.created_at >= ?5, cast(?6 as integer), 0) + iif(d.created_at >= ?7, cast(?8 as integer), 0)
          + iif(d.created_at >= ?9, cast(?10 as integer), 0) + iif(d.created_at >= ?11, cast(?12 as integer), 0)) / cast(?4 as integer) as place, d.state,
         iif(d.state = 'delivered', coalesce(
           iif(d.attempts > 1, (select min(a.at + a.duration_ms) from attempts as a where a.company = +?1 and a.delivery = d.id and a.success = 1), null),
           d.attempt_at + d.attempt_duration_ms) - d.created_at, null) as ms
  from slice as s cross join deliveries as d on d.company = +?1 and d.subscription = s.subscription and d.id = s.id
)
select place, state, count(*) as n, null as ms, null as next from made group by place, state
union all
select null, null, count(*), ms, null from made where ms is not null group by ms
union all
select null, null, 0, null, (select json_array(subscription, created_at, id) from slice order by subscription, id limit 1 offset +?16 - 1)
