-- A sample of the events of a source. Of the first ?3 events in the order of their ids, which are
-- mostly random, it has the latest of each name. It ends with the event that reaches ?7 bytes.
-- ?1 company, ?2 source, ?3 events read, ?4 most of each name, ?5 most in all, ?6 most bytes of
-- one, ?7 bytes
select e.type as name, e.data
from (
  select message_id, n, sum(bytes) over (order by n, message_id rows unbounded preceding) - bytes as before from (
    select message_id, bytes, n from (
      select message_id, bytes, row_number() over (partition by type order by ts desc) as n
      from (select message_id, type, ts, octet_length(data) as bytes from events where company = +?1 and source = +?2 and octet_length(data) <= ?6 limit +?3)
    )
    where n <= ?4 order by n limit +?5)
) as k
cross join events as e on e.company = +?1 and e.source = +?2 and e.message_id = k.message_id
where k.before < ?7
order by k.n
