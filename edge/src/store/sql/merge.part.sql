-- Begins to undo a merge if the person did not change after they were read. The later statements of
-- the batch check the revision.
-- ?1 company, ?2 root, ?3 its revision, ?4 number, ?5 now ms
update profiles set revision = +?4, updated_at = max(updated_at + 1, ?5), searched = 0
where company = +?1 and id = +?2 and revision = +?3 and merged_into is null and erased_at is null
returning id
