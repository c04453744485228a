-- A slice of the deliveries of a company that were created in a range. Returns them as [created at,
-- state, ms], and the place of the next slice if there may be one: the values of ?4 and ?5 as one
-- text. The duration in ms is from the creation of the delivery, which is the arrival of its event,
-- to the end of the first successful attempt.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ?5 after this subscription and id, ?6 limit
select json_group_array(json_array(created_at, state, iif(state = 'delivered', coalesce(
         iif(attempts > 1, (select min(a.at + a.duration_ms) from attempts as a where a.company = +?1 and a.delivery = d.id and a.success = 1), null),
         attempt_at + attempt_duration_ms) - created_at, null))) as deliveries,
       iif(count(*) < ?6, null, max(subscription || char(1) || id)) as next
from (
  select s.id as subscription, d.id, d.created_at, d.state, d.attempts, d.attempt_at, d.attempt_duration_ms
  from subscriptions as s cross join deliveries as d
    on d.company = +?1 and d.subscription = s.id and d.id >= max(format('%012x', ?2), iif(s.id = +?4, ?5, '')) and d.id < format('%012x', ?3)
  where s.company = +?1 and s.id >= ?4 and (s.id > ?4 or d.id > ?5)
  order by s.id, d.id limit +?6
) as d
