-- A page in ascending order. It ends with the user that reaches ?15 bytes; `found` is the number of
-- rows without that limit.
-- ?11 after this key and ?12 this id, ?13 limit, ?14 offset, ?15 bytes
, k.key, k.found
from (
  select id, key, count(*) over () as found, sum(bytes) over (order by key, id rows unbounded preceding) - bytes as before from (
    select id, key, bytes + coalesce((select sum(octet_length(name) + octet_length(value)) from fields where company = +?1 and profile = id), 0)
           + coalesce((select sum(octet_length(name)) from tags where company = +?1 and profile = id), 0) as bytes
    from asked where ?12 is null or (key, id) > (?11, ?12) order by key, id limit +?13 offset +?14)
) as k
cross join profiles as p on p.company = +?1 and p.id = k.id cross join companies as c on c.id = +?1
where k.before < ?15
order by k.key, p.id
