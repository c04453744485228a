-- Counts a request's new events on the links that own them, and creates the session's first row if
-- it has none. It is for events without revenue, whose arithmetic takes most of the time of
-- links.count_revenue. It directly follows events.insert, and reads nothing if that stored nothing.
-- ?1 JSON array of message ids, all of one session, ?2 company, ?3 source, ?4 marker, ?5 profile of
-- a session created here, or null
insert into links (company, session, at, id, profile, events, server_events, first_ts, last_ts)
select ?2, session, k->>0, k->>1, ?5, count(*), sum(source), min(ts), max(ts)
from (
  select e.session, e.ts, e.source, coalesce(
    (select json_array(at, id) from links where company = +?2 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
    (select json_array(at, id) from links where company = +?2 and session = e.session order by at, id limit 1),
    '[0,""]') as k
  from json_each(iif(changes() > 0, ?1, '[]')) as j cross join events as e
    on e.company = +?2 and e.source = +?3 and e.message_id = j.value and e.request = +?4
)
where true
group by session, k
on conflict (company, session, at, id) do update set
  events = events + excluded.events,
  server_events = server_events + excluded.server_events,
  first_ts = min(coalesce(first_ts, excluded.first_ts), excluded.first_ts),
  last_ts = max(coalesce(last_ts, excluded.last_ts), excluded.last_ts)
