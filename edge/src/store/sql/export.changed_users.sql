-- The number of users in a range of ids that may have changed since a snapshot: by an edit, a
-- claim, an erasure or a later event. Counts a slice, and returns the place of the next slice if
-- there may be one. A blob sorts after every text.
-- ?1 company, ?2 snapshot ms, ?3 up to this id or null, ?4 after this id, ?5 limit
select count(*) filter (where has_changed) as n, iif(count(*) < ?5, null, json_array(max(id))) as next
from (
  select id, created_at <= ?2 and (updated_at > ?2 or coalesce(erased_at > ?2, 0) or coalesce(last_ts >= (?2 + 1) * 1000, 0)) as has_changed
  from profiles where company = +?1 and id > ?4 and id <= coalesce(?3, x'') order by id limit +?5
)
