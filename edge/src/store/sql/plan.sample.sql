-- A sample of the events of a door: of the first ones in the order of their ids, which mostly are
-- random, the latest of each name; it ends with the one that brings it to ?7 bytes. ?1 company, ?2
-- source, ?3 how many are looked at, ?4 of each name, ?5 in all, ?6 bytes of one at most
select e.type as name, e.data
from (
  select message_id, n, sum(bytes) over (order by n, message_id rows unbounded preceding) - bytes as before from (
    select message_id, bytes, n from (
      select message_id, bytes, row_number() over (partition by type order by ts desc) as n
      from (select message_id, type, ts, octet_length(data) as bytes from events where company = ?1 and source = ?2 and octet_length(data) <= ?6 limit ?3)
    )
    where n <= ?4 order by n limit ?5)
) as k
cross join events as e on e.company = ?1 and e.source = ?2 and e.message_id = k.message_id
where k.before < ?7
order by k.n
