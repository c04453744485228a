-- The next events of a person before the cursor, newest first: timeline.asc in the other direction.
-- A link that begins before the cursor ends after it by at most the span of the person's longest
-- link. Each of the ?6 links that end last before the cursor has an event, so links that end before
-- all of these are not read.
-- Parameters: those of timeline.asc
with recursive person as materialized (
  select max_link_span, server_session,
         coalesce((select last_ts from links indexed by links_by_profile
                   where company = +?1 and profile = +?2 and last_ts < ?3 and id <> '' order by last_ts desc limit 1 offset +?6 - 1), -1) as reach
  from profiles where company = +?1 and id = +?2
),
walk (session, at, link, edge, next) as (
  select k.session, k.at, k.id, k.first_ts, json_array(iif(k.last_ts < ?3, printf('%016d9', k.last_ts), ?4))
  from (
    select k.session, k.at, k.id, k.first_ts, k.last_ts from person as p cross join links as k indexed by links_by_profile
    where k.company = +?1 and k.profile = +?2 and k.last_ts >= p.reach and k.last_ts <= ?3 + p.max_link_span and k.first_ts <= ?3 and k.id <> ''
    union all
    select k.session, k.at, k.id, k.first_ts, k.last_ts from person as p cross join links as k
    where k.company = +?1 and k.session = p.server_session and k.at = 0 and k.id = '' and k.first_ts <= ?3
    union all
    select k.session, k.at, k.id, k.first_ts, k.last_ts from profiles as m indexed by profiles_merged cross join links as k
    where m.company = +?1 and m.merged_into = +?2 and k.company = +?1 and k.session = m.server_session and k.at = 0 and k.id = '' and k.first_ts <= ?3
  ) as k
  union all
  select w.session, w.at, w.link, w.edge, (
    select json_array(max(key), count(*), min(key)) from (
      select printf('%016d%d%s', e.ts, e.source, hex(e.message_id)) as key from events as e indexed by events_timeline
      where e.company = +?1 and e.session = w.session
        and e.ts >= w.edge
        and (e.ts, e.source, e.message_id) < (cast(substr(w.next ->> '$[#-1]', 1, 16) as integer), cast(substr(w.next ->> '$[#-1]', 17, 1) as integer),
                                              cast(unhex(substr(w.next ->> '$[#-1]', 18)) as text))
      order by e.ts desc, e.source desc, e.message_id desc limit +?7))
  from walk as w
  where coalesce(w.next ->> 1, ?7) >= ?7
    and (w.next ->> 1 is not null
         or not exists (select 1 from links as o where o.company = +?1 and o.session = w.session and o.at = w.at and o.id > w.link))
  order by 5 desc
)
select e.message_id, e.source, e.session, e.ts, e.type, iif(octet_length(e.data) <= ?8, e.data, null) as data, octet_length(e.data) as bytes, e.bot, e.sent_by_server,
       printf('%016d%d%s', e.ts, e.source, hex(e.message_id)) as key, w.next ->> 0 as first
from walk as w cross join events as e indexed by events_timeline
  on e.company = +?1 and e.session = w.session
  and (e.ts, e.source, e.message_id) >= (cast(substr(w.next ->> 2, 1, 16) as integer), cast(substr(w.next ->> 2, 17, 1) as integer),
                                         cast(unhex(substr(w.next ->> 2, 18)) as text))
  and (e.ts, e.source, e.message_id) <= (cast(substr(w.next ->> 0, 1, 16) as integer), cast(substr(w.next ->> 0, 17, 1) as integer),
                                         cast(unhex(substr(w.next ->> 0, 18)) as text))
where w.next ->> 1 > 0
limit +?5
