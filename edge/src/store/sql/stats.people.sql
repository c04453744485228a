-- A slice of a company's users, as users.filter lists them. Returns the number of users created in
-- each span of a range, and of those before or after it (without a span). It also returns the place
-- of the next slice if there may be one.
-- ?1 company, ?2 from ms, ?3 to ms, ?4 ms of a span, ?5 to ?12 four changes of the clocks (each:
-- when, ms, and by how many ms), ?13 after this id, ?14 limit
with counted as materialized (
  select iif(created_at >= ?2 and created_at < ?3, (created_at - cast(?2 as integer) + iif(created_at >= ?5, cast(?6 as integer), 0) + iif(created_at >= ?7, cast(?8 as integer), 0)
          + iif(created_at >= ?9, cast(?10 as integer), 0) + iif(created_at >= ?11, cast(?12 as integer), 0)) / cast(?4 as integer), null) as place,
         count(*) filter (where erased_at is null and merged_into is null) as n, count(*) as looked, max(id) as last
  from (select id, created_at, erased_at, merged_into from profiles where company = +?1 and id > ?13 order by id limit +?14) group by 1
)
select place, n, null as next from counted
union all
select null, 0, iif(sum(looked) < ?14, null, max(last)) from counted
