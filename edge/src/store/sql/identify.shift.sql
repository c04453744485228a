-- Subtracts the counts that a late link took over from its neighbour: the link before it or, if the
-- late link is the session's first, the one after it. The trigger on links subtracts them from the
-- neighbour's profile.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 marker
with taken as (
  select events - 1 as events, server_events, revenue from links
  where company = +?1 and session = +?2 and at = +?3 and id = +?4 and events > 1
    and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?4 and request = +?5)
),
neighbour as (
  select * from (
    select at, id from links where company = +?1 and session = +?2 and (at, id) < (?3, ?4) order by at desc, id desc limit 1)
  union all
  select * from (
    select at, id from links where company = +?1 and session = +?2 and (at, id) > (?3, ?4) order by at, id limit 1)
  limit 1
),
donor as (
  select at, id,
         case when exists (select 1 from links as e where e.company = +?1 and e.session = +?2 and (e.at, e.id) < (neighbour.at, neighbour.id))
              then at else -1 end as since,
         coalesce((select min(e.at) from links as e
                   where e.company = +?1 and e.session = +?2 and (e.at, e.id) > (neighbour.at, neighbour.id)), 9007199254740991) as until
  from neighbour
)
update links as l
set events = l.events - t.events,
    server_events = l.server_events - t.server_events,
    revenue = case when t.revenue is null then l.revenue else (
      select json_group_object(key, sum) from (
        select key, sum(value) as sum from (
          select key, value from json_each(l.revenue)
          union all select key, -value from json_each(t.revenue)
        ) group by key having sum(value) <> 0
      )
    ) end,
    first_ts = (select min(ts) from events where company = +?1 and session = +?2 and ts >= n.since and ts < n.until),
    last_ts = (select max(ts) from events where company = +?1 and session = +?2 and ts >= n.since and ts < n.until)
from taken as t, donor as n
where l.company = +?1 and l.session = +?2 and l.at = n.at and l.id = n.id
