-- A company's users, as users.filter lists them: how many came to be in each span of a range, and how many before or after it (no place).
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, from ?5 on four
-- times: when the clocks change that tell the days, ms, and by how many ms
select iif(created_at >= ?2 and created_at < ?3, (created_at - cast(?2 as integer) + iif(created_at >= ?5, cast(?6 as integer), 0) + iif(created_at >= ?7, cast(?8 as integer), 0)
          + iif(created_at >= ?9, cast(?10 as integer), 0) + iif(created_at >= ?11, cast(?12 as integer), 0)) / cast(?4 as integer), null) as place, count(*) as n
from profiles where company = ?1 and erased_at is null and merged_into is null group by 1
