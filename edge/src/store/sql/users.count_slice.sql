-- The number of users that match in a slice in the order of ids, and the place of the next slice if
-- there may be one. A blob sorts after every text.
-- ?11 after this id, ?12 users read
select (select count(*) from asked where id > ?11 and id <= coalesce(last.id, x'')) as n, iif(last.id is null, null, json_array(last.id)) as next
from (select (select id from profiles where company = +?1 and id > ?11 order by id limit 1 offset +?12 - 1) as id) as last
