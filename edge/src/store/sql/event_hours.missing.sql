-- The latest past hours of a company whose counts are not stored, as a JSON array, the
-- latest first.
-- ?1 company, ?2 from this hour, ?3 before this hour, ?4 limit
with recursive past (hour) as (
  select cast(?3 as integer) - 1 where ?3 > ?2 union all select hour - 1 from past where hour > ?2)
select json_group_array(hour order by hour desc) as found, null as next
from (
  select p.hour from past as p left join event_hours as h on h.company = +?1 and h.hour = +p.hour
  where h.counts is null limit +?4
)
