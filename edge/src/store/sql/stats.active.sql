-- A slice of a company's links in the order of people. Returns the number of further people who own
-- an event in a range by the ledger (domain/ledger.rs), the last of them, and the place of the next
-- slice if there may be one. `last` sorts like the places. A link stores its first and its last
-- event, so its events are searched only if it begins before the range and ends after it. A link
-- without events makes nobody active. The second limit keeps SQLite from running the subquery
-- twice.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ?5 ?6 ?7 ?8 after this profile, last ts, session, time and
-- id, ?9 limit, ?10 the last counted person
select n, person, iif(looked < ?9, null, json_array(
  substr(last, 1, instr(last, char(1)) - 1), cast(substr(last, instr(last, char(1)) + 1, 20) as integer) - 1, substr(last, instr(last, char(1)) + 21, instr(substr(last, instr(last, char(1)) + 21), char(1)) - 1),
  cast(substr(substr(last, instr(last, char(1)) + 21), instr(substr(last, instr(last, char(1)) + 21), char(1)) + 1, 20) as integer),
  substr(substr(last, instr(last, char(1)) + 21), instr(substr(last, instr(last, char(1)) + 21), char(1)) + 21))) as next
from (
select count(*) as looked, count(distinct active) as n, max(active) as person,
  max(profile || char(1) || printf('%020d', coalesce(last_ts, -1) + 1) || session || char(1) || printf('%020d', at) || id) as last
from (
  select s.*, iif(s.profile > ?10 and s.last_ts >= ?2 * 1000, (
    select s.profile from links as l where l.company = +?1 and l.session = s.session and l.at = s.at and l.id = s.id and l.first_ts < ?3 * 1000
      and (l.first_ts >= ?2 * 1000 or l.last_ts < ?3 * 1000 or exists (
        select 1 from events as e indexed by events_timeline
        where e.company = +?1 and e.session = l.session and e.ts >= ?2 * 1000 and e.ts < ?3 * 1000
          and (e.ts >= l.at or not exists (
            select 1 from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) < (l.at, l.id)))
          and e.ts < coalesce((
            select min(b.at) from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) > (l.at, l.id)), 9007199254740991)))), null) as active
  from (
    select profile, last_ts, session, at, id from links indexed by links_by_profile
    where company = +?1 and profile is not null and (profile, last_ts, session, at, id) > (?4, ?5, ?6, ?7, ?8)
    order by profile, last_ts, session, at, id limit +?9
  ) as s limit +?9
))
