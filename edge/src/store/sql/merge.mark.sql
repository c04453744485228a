-- Begins a merge if neither profile changed after it was read. The later statements of the batch
-- check the winner's revision.
-- ?1 company, ?2 winner, ?3 its revision, ?4 loser, ?5 its revision, ?6 number, ?7 now ms
update profiles set revision = +?6, updated_at = max(updated_at + 1, ?7), searched = 0
where company = +?1 and id in (?2, ?4) and (
  select count(*) from profiles where company = +?1 and merged_into is null and erased_at is null and (id = +?2 and revision = +?3 or id = +?4 and revision = +?5)) = 2
returning id
