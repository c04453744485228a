-- Erasures that are not complete. Companies take turns, in their order after the one served last;
-- in each, the erasure that waited longest comes first.
-- ?1 that company, ?2 limit
with recursive walk (company) as (
  select (select min(company) from erasures indexed by erasures_open where completed_at is null)
  union all
  select (select min(company) from erasures indexed by erasures_open where completed_at is null and company > walk.company)
  from walk where company is not null
)
select w.company, j.value as profile
from walk as w cross join json_each((
  select json_group_array(profile) from (
    select profile from erasures indexed by erasures_waiting where company = w.company and completed_at is null
    order by erased_at limit +?2))) as j
where w.company is not null
order by j.key, w.company <= ?1, w.company limit +?2
