-- A page of one person's events in the order of sessions. It has the rest of the session in which
-- the last page ended, then the next sessions. Both are read by the index alone.
-- Parameters: ?1 to ?10 of export.events, ?11 the person. On the first page the session is null
select json_array(e.message_id, e.type, e.ts, e.source, e.session, e.received_at, e.bot, e.sent_by_server, e.data, e.context, ?11) as event
from (
  select * from (
    select o.source, o.message_id from events as o indexed by events_timeline
    where o.company = +?1 and o.session = +?6 and (o.ts, o.source, o.message_id) > (?7, ?8, ?9)
      and o.received_at <= ?2 and (?3 is null or o.ts >= ?3) and (?4 is null or o.ts < ?4) and (?5 is null or o.type = +?5)
      and coalesce(
        (select json_object('profile', profile) from links
         where company = o.company and session = o.session and at <= o.ts order by at desc, id desc limit 1),
        (select json_object('profile', profile) from links where company = o.company and session = o.session order by at, id limit 1)
      ) ->> 'profile' = +?11
    order by o.ts, o.source, o.message_id limit +?10
  )
  union all
  select * from (
    select o.source, o.message_id from events as o indexed by events_timeline
    where o.company = +?1
      and o.session in (select session from links indexed by links_by_profile where company = +?1 and profile = +?11 and session > coalesce(?6, ''))
      and o.received_at <= ?2 and (?3 is null or o.ts >= ?3) and (?4 is null or o.ts < ?4) and (?5 is null or o.type = +?5)
      and coalesce(
        (select json_object('profile', profile) from links
         where company = o.company and session = o.session and at <= o.ts order by at desc, id desc limit 1),
        (select json_object('profile', profile) from links where company = o.company and session = o.session order by at, id limit 1)
      ) ->> 'profile' = +?11
    order by o.session, o.ts, o.source, o.message_id limit +?10
  )
  limit +?10
) as k
cross join events as e on e.company = +?1 and e.source = k.source and e.message_id = k.message_id
order by e.session, e.ts, e.source, e.message_id
