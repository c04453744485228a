-- A page in the order of ids. ?11 unused, ?12 after this id, ?13 limit, ?14 offset
, '' as key
from (select id from asked where id > coalesce(?12, ?11, '') order by id limit ?13 offset ?14) as k
cross join profiles as p on p.company = ?1 and p.id = k.id cross join companies as c on c.id = ?1
order by p.id
