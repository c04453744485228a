-- A slice of a company's events in the order of sessions. Of the events in a range it returns their
-- number by span and source, their number by name, and the number of browser sessions that were not
-- counted before. It also returns the place of the next slice if there may be one; `last` sorts
-- like the places. All events are read by this index, because an index by time would cost each
-- event a row.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, ?5 to ?12 four changes of the clocks (each:
-- when, ms, and by how many ms), ?13 ?14 ?15 ?16 after this session, ts, source and message id, ?17
-- limit, ?18 the last counted session
with counted as materialized (
  select (s.ts / 1000 - cast(?2 as integer) + iif(s.ts / 1000 >= ?5, cast(?6 as integer), 0) + iif(s.ts / 1000 >= ?7, cast(?8 as integer), 0)
          + iif(s.ts / 1000 >= ?9, cast(?10 as integer), 0) + iif(s.ts / 1000 >= ?11, cast(?12 as integer), 0)) / cast(?4 as integer) as place, max(s.source, coalesce(e.sent_by_server, 0)) as source, e.type, count(*) as n
  from (
    select session, ts, source, message_id from events indexed by events_timeline
    where company = +?1 and (session, ts, source, message_id) > (?13, ?14, ?15, ?16)
    order by session, ts, source, message_id limit +?17
  ) as s
  cross join events as e on e.company = +?1 and e.source = s.source and e.message_id = s.message_id
  where s.ts >= ?2 * 1000 and s.ts < ?3 * 1000 and not (s.source = 0 and s.session = '') group by 1, 2, 3
)
select place, source, null as name, sum(n) as n, null as session, null as next from counted group by place, source
union all
select null, null, type, sum(n), null, null from counted group by type
union all
select null, null, null, sessions, session, iif(looked < ?17, null, json_array(
  substr(last, 1, instr(last, char(1)) - 1), cast(substr(last, instr(last, char(1)) + 1, 20) as integer), cast(substr(last, instr(last, char(1)) + 21, 1) as integer), substr(last, instr(last, char(1)) + 22)))
from (
  select count(*) as looked, count(distinct counts) as sessions, max(counts) as session, max(session || char(1) || printf('%020d', ts) || source || message_id) as last
  from (
    select session, ts, source, message_id, iif(session > ?18 and source = 0 and ts >= ?2 * 1000 and ts < ?3 * 1000, session, null) as counts
    from events indexed by events_timeline
    where company = +?1 and (session, ts, source, message_id) > (?13, ?14, ?15, ?16)
    order by session, ts, source, message_id limit +?17
  )
)
