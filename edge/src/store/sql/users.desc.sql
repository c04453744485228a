-- A page in the reverse order of a key. ?11 before this key and ?12 this id, ?13 limit, ?14 offset
, k.key
from (select id, key from asked where ?12 is null or (key, id) < (?11, ?12) order by key desc, id desc limit ?13 offset ?14) as k
cross join profiles as p on p.company = ?1 and p.id = k.id cross join companies as c on c.id = ?1
order by k.key desc, p.id desc
