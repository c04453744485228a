-- Counts a request's new events, and their revenue, on the links that own them, and creates the
-- session's first row if it has none. It directly follows events.insert, and reads nothing if that
-- stored nothing.
-- ?1 JSON array of message ids, all of one session, ?2 company, ?3 source, ?4 marker, ?5 profile of
-- a session created here, or null
with fresh as materialized (
  select e.session, e.ts, e.source, e.revenue, coalesce(
    (select json_array(at, id) from links where company = +?2 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
    (select json_array(at, id) from links where company = +?2 and session = e.session order by at, id limit 1),
    '[0,""]') as link
  from json_each(iif(changes() > 0, ?1, '[]')) as j cross join events as e
    on e.company = +?2 and e.source = +?3 and e.message_id = j.value and e.request = +?4
)
insert into links (company, session, at, id, profile, events, server_events, revenue, first_ts, last_ts)
select ?2, session, link->>0, link->>1, ?5, count(*), sum(source),
       case when count(revenue) > 0 then (
         select json_group_object(key, sum) from (
           select r.key, sum(r.value) as sum from fresh as g, json_each(g.revenue) as r
           where g.link = f.link group by r.key having sum(r.value) <> 0
         )
       ) end,
       min(ts), max(ts)
from fresh as f
where true
group by session, link
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
