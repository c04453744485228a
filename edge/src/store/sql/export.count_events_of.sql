-- The number of events that export.events_of returns, counted in a slice of the events on the
-- person's sessions. Returns the place of the next slice if there may be one.
-- Parameters: ?1 to ?5 of export.count_events, ?6 the person, ?7 ?8 ?9 ?10 after this session, ts,
-- source and message id, ?11 limit
with slice as materialized (
  select * from (
    select session, ts, source, message_id from events indexed by events_timeline
    where company = +?1 and session = +?7 and (ts, source, message_id) > (?8, ?9, ?10)
    order by ts, source, message_id limit +?11
  )
  union all
  select * from (
    select session, ts, source, message_id from events indexed by events_timeline
    where company = +?1 and session in (select session from links indexed by links_by_profile where company = +?1 and profile = +?6 and session > ?7)
    order by session, ts, source, message_id limit +?11
  )
  limit +?11
)
select sum(n) as n, (select json_array(session, ts, source, message_id) from slice order by session, ts, source, message_id limit 1 offset +?11 - 1) as next
from (
  select count(*) as n from slice as s cross join events as o on o.company = +?1 and o.source = s.source and o.message_id = s.message_id
  where s.session > '' and (?3 is null or s.ts >= ?3) and (?4 is null or s.ts < ?4) and o.received_at <= ?2 and (?5 is null or o.type = +?5)
    and coalesce(
      (select json_object('profile', profile) from links
       where company = +?1 and session = s.session and at <= s.ts order by at desc, id desc limit 1),
      (select json_object('profile', profile) from links where company = +?1 and session = s.session order by at, id limit 1)
    ) ->> 'profile' = +?6
)
