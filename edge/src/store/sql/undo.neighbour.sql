-- Adds the counts of an undone link to its neighbour: the link before it or, if it was the
-- session's first, the one after it. The trigger on links adds them to the neighbour's profile.
-- ?1 company, ?2 session, ?3 message id, ?4 number, ?5 at
with gone as (
  select events - 1 as events, server_events, revenue from links
  where company = +?1 and session = +?2 and at = +?5 and id = +?3 and events > 1
    and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?3 and request = +?4 and session = '')
),
other as (select at, id from links where company = +?1 and session = +?2 and not (at = +?5 and id = +?3)),
neighbour as (
  select * from (select at, id from other where (at, id) < (?5, ?3) order by at desc, id desc limit 1)
  union all
  select * from (select at, id from other where (at, id) > (?5, ?3) order by at, id limit 1)
  limit 1
),
span as (
  select at, id,
         case when exists (select 1 from other as e where (e.at, e.id) < (neighbour.at, neighbour.id)) then at else -1 end as since,
         coalesce((select min(e.at) from other as e where (e.at, e.id) > (neighbour.at, neighbour.id)), 9007199254740991) as until
  from neighbour
)
update links as l
set events = l.events + g.events,
    server_events = l.server_events + g.server_events,
    revenue = case when g.revenue is null then l.revenue else (
      select json_group_object(key, sum) from (
        select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
          select key, value from json_each(l.revenue)
          union all select key, value from json_each(g.revenue)
        ) group by key having sum(value) <> 0
      )
    ) end,
    first_ts = (select min(ts) from events where company = +?1 and session = +?2 and ts >= n.since and ts < n.until),
    last_ts = (select max(ts) from events where company = +?1 and session = +?2 and ts >= n.since and ts < n.until)
from gone as g, span as n
where l.company = +?1 and l.session = +?2 and l.at = n.at and l.id = n.id
