-- How many users in a range of ids are not as they were at a snapshot, or may not be: said, claimed
-- or erased since, or with an event of a later time. Of a slice, and behind whom the next one
-- begins, if there may be one. A blob is behind every text.
-- ?1 company, ?2 snapshot ms, ?3 to this id or null, ?4 after this id, ?5 limit
select count(*) filter (where has_changed) as n, iif(count(*) < ?5, null, json_array(max(id))) as next
from (
  select id, created_at <= ?2 and (updated_at > ?2 or coalesce(erased_at > ?2, 0) or coalesce(last_ts >= (?2 + 1) * 1000, 0)) as has_changed
  from profiles where company = ?1 and id > ?4 and id <= coalesce(?3, x'') order by id limit ?5
)
