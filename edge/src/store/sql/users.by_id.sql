-- A page in the order of ids. It ends with the user that reaches ?15 bytes; `found` is the number
-- of rows without that limit.
-- ?11 unused, ?12 after this id, ?13 limit, ?14 offset, ?15 bytes
, '' as key, k.found
from (
  select id, count(*) over () as found, sum(bytes) over (order by id rows unbounded preceding) - bytes as before from (
    select id, bytes + coalesce((select sum(octet_length(name) + octet_length(value)) from fields where company = +?1 and profile = id), 0)
           + coalesce((select sum(octet_length(name)) from tags where company = +?1 and profile = id), 0) as bytes
    from asked where id > coalesce(?12, ?11, '') order by id limit +?13 offset +?14)
) as k
cross join profiles as p on p.company = +?1 and p.id = k.id cross join companies as c on c.id = +?1
where k.before < ?15
order by p.id
