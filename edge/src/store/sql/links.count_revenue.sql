-- Like links.count, with revenue. Reads only the links around the events, so a session with many
-- identifies costs no more. It directly follows events.insert.
-- ?1 JSON array of message ids, all of one session, ?2 company, ?3 source, ?4 marker, ?5 profile of
-- a session created here, or null
with fresh as materialized (
  select e.session, e.ts, e.source, e.revenue
  from json_each(iif(changes() > 0, ?1, '[]')) as j cross join events as e
    on e.company = +?2 and e.source = +?3 and e.message_id = j.value and e.request = +?4
),
span as materialized (
  select session, (select max(at) from links where company = +?2 and session = f.session and at <= f.first) as since,
         max(f.last, coalesce((select min(at) from links where company = +?2 and session = f.session), 0)) as until
  from (select session, min(ts) as first, max(ts) as last from fresh group by session) as f
),
segment as materialized (
  select l.at, l.id,
         case when row_number() over (order by l.at, l.id) = 1 then -1 else l.at end as since,
         coalesce(lead(l.at) over (order by l.at, l.id), 9007199254740991) as until
  from span cross join links as l
  where l.company = +?2 and l.session = span.session and l.at >= coalesce(span.since, 0) and l.at <= span.until
)
insert into links (company, session, at, id, profile, events, server_events, revenue, first_ts, last_ts)
select ?2, f.session, coalesce(s.at, 0), coalesce(s.id, ''), ?5, count(*), sum(f.source),
       case when count(f.revenue) > 0 then (
         select json_group_object(key, sum) from (
           select r.key, sum(r.value) as sum
           from fresh as g, json_each(g.revenue) as r
           where g.ts >= coalesce(s.since, -1) and g.ts < coalesce(s.until, 9007199254740991)
           group by r.key having sum(r.value) <> 0
         )
       ) end,
       min(f.ts), max(f.ts)
from fresh as f left join segment as s on f.ts >= s.since and f.ts < s.until
where true
group by f.session, s.at, s.id
on conflict (company, session, at, id) do update set
  events = events + excluded.events,
  server_events = server_events + excluded.server_events,
  revenue = case when excluded.revenue is null then revenue else (
    select json_group_object(key, sum) from (
      select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
        select key, value from json_each(links.revenue)
        union all select key, value from json_each(excluded.revenue)
      ) group by key having sum(value) <> 0
    )
  ) end,
  first_ts = min(coalesce(first_ts, excluded.first_ts), excluded.first_ts),
  last_ts = max(coalesce(last_ts, excluded.last_ts), excluded.last_ts)
