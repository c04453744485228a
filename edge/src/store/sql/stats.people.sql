-- A slice of a company's users, as users.filter lists them. Returns their number, the times in a
-- range at which they were created, and the place of the next slice if there may be one.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 after this id, ?5 limit
select count(*) filter (where is_user) as people, json_group_array(created_at) filter (where is_user and created_at >= ?2 and created_at < ?3) as created,
       iif(count(*) < ?5, null, max(id)) as next
from (select id, created_at, erased_at is null and merged_into is null as is_user from profiles where company = +?1 and id > ?4 order by id limit +?5)
