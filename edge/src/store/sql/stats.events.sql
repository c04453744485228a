-- A company's events of a range, of which export.events is the list: how many in each of its spans by door, and the names there are most of. Reads all the
-- company has, once: no index knows the time of an event alone, for it would cost each event a row.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, ?5 names, from ?6 on four times: when the clocks
-- change that tell the days, ms, and by how many ms
with counted as materialized (
  select (ts / 1000 - cast(?2 as integer) + iif(ts / 1000 >= ?6, cast(?7 as integer), 0) + iif(ts / 1000 >= ?8, cast(?9 as integer), 0)
          + iif(ts / 1000 >= ?10, cast(?11 as integer), 0) + iif(ts / 1000 >= ?12, cast(?13 as integer), 0)) / cast(?4 as integer) as place, source, type, count(*) as n
  from events where company = ?1 and ts >= ?2 * 1000 and ts < ?3 * 1000 and not (source = 0 and session = '') group by 1, 2, 3
)
select place, source, null as name, sum(n) as n from counted group by place, source
union all
select * from (select null, null, type, sum(n) as n from counted group by type order by n desc, type limit ?5)
