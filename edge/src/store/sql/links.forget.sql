-- Subtracts doomed events from the links that own them; the triggers subtract them from the
-- profiles. A link whose identify is doomed gets another id, just before its present one. So if the
-- identify is sent again, it makes a link that takes over. Runs before events.forget.
, lost as (
  select session, link ->> 0 as at, link ->> 1 as id, count(*) as events, sum(source) as server_events, count(revenue) as paid
  from doomed where link is not null group by 1, 2, 3
),
shrunk as materialized (
  select l.session, l.at, l.id, n.events, n.server_events, n.paid,
         case when exists (select 1 from links as e where e.company = +?1 and e.session = l.session and (e.at, e.id) < (l.at, l.id)) then l.at else -1 end as since,
         coalesce((select min(e.at) from links as e
                   where e.company = +?1 and e.session = l.session and (e.at, e.id) > (l.at, l.id)), 9007199254740991) as until
  from lost as n cross join links as l on l.company = +?1 and l.session = n.session and l.at = n.at and l.id = n.id
)
update links as l
set id = case when exists (select 1 from doomed as d where d.session = n.session and d.source = 0 and d.message_id = n.id) 
              then substr(l.id, 1, length(l.id) - 1) || ' ' || lower(hex(randomblob(8))) else l.id end,
    events = l.events - n.events,
    server_events = l.server_events - n.server_events,
    revenue = case when n.paid = 0 then l.revenue else (
      select json_group_object(key, sum) from (
        select key, sum(value) as sum from (
          select key, value from json_each(l.revenue)
          union all
          select r.key, -r.value from doomed as d, json_each(d.revenue) as r where d.session = n.session and d.link ->> 0 = n.at and d.link ->> 1 = n.id
        ) group by key having sum(value) <> 0
      )
    ) end,
    first_ts = (select e.ts from events as e where e.company = +?1 and e.session = n.session and e.ts >= n.since and e.ts < n.until
                and (e.source, e.message_id) not in (select source, message_id from doomed) order by e.ts limit 1),
    last_ts = (select e.ts from events as e where e.company = +?1 and e.session = n.session and e.ts >= n.since and e.ts < n.until
               and (e.source, e.message_id) not in (select source, message_id from doomed) order by e.ts desc limit 1)
from shrunk as n
where l.company = +?1 and (l.session, l.at, l.id) in (select session, at, id from shrunk) and l.session = n.session and l.at = n.at and l.id = n.id
