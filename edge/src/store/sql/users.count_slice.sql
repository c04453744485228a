-- How many are asked for of a slice of the users in the order of ids, and behind whom the next
-- slice begins, if there may be one. A blob is behind every text. ?11 after this id, ?12 users of
-- the slice
select (select count(*) from asked where id > ?11 and id <= coalesce(last.id, x'')) as n, iif(last.id is null, null, json_array(last.id)) as next
from (select (select id from profiles where company = ?1 and id > ?11 order by id limit 1 offset ?12 - 1) as id) as last
