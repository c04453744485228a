-- Counts a request's new events on the links that own them, and creates the session's first row if
-- it has none. It is for events without revenue, whose arithmetic takes most of the time of
-- links.count_revenue. It directly follows events.insert, and reads nothing if that stored nothing.
-- ?1 JSON array of message ids, ?2 company, ?3 source, ?4 session, ?5 marker, ?6 profile of a
-- session created here, or null
insert into links (company, session, at, id, profile, events, server_events, first_ts, last_ts)
select ?2, ?4, k->>0, k->>1, ?6, count(*), sum(source), min(ts), max(ts)
from (
  select e.ts, e.source, coalesce(
    (select json_array(at, id) from links where company = +?2 and session = +?4 and at <= e.ts order by at desc, id desc limit 1),
    (select json_array(at, id) from links where company = +?2 and session = +?4 order by at, id limit 1),
    '[0,""]') as k
  from json_each(iif(changes() > 0, ?1, '[]')) as j cross join events as e
    on e.company = +?2 and e.source = +?3 and e.message_id = j.value and e.request = +?5
)
where true
group by k
on conflict (company, session, at, id) do update set
  events = events + excluded.events,
  server_events = server_events + excluded.server_events,
  first_ts = min(coalesce(first_ts, excluded.first_ts), excluded.first_ts),
  last_ts = max(coalesce(last_ts, excluded.last_ts), excluded.last_ts)
