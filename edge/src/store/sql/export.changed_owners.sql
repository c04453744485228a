-- The number of users whose set of events may have changed since a snapshot: they were created,
-- changed, erased or identified. Counts a slice in the order of ids, and returns the place of the
-- next slice if there may be one. A blob sorts after every text.
-- ?1 company, ?2 snapshot ms, ?3 one user or null, ?4 after this id, ?5 limit
select count(*) filter (where has_changed) as n, iif(count(*) < ?5, null, json_array(max(id))) as next
from (
  select p.id, p.updated_at > ?2 or coalesce(p.erased_at > ?2, 0) or exists (
    select 1 from links as l indexed by links_by_profile
    where l.company = +?1 and l.profile = p.id and l.last_ts >= (?2 + 1) * 1000 and l.at >= (?2 + 1) * 1000) as has_changed
  from profiles as p where p.company = +?1 and p.id >= coalesce(?3, ?4) and p.id <= coalesce(?3, x'') and p.id <> ?4 order by p.id limit +?5
)
