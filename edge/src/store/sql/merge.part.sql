-- Begins to take a merge back if the person did not change since it was read: what follows in the
-- batch asks for the revision.
-- ?1 company, ?2 root, ?3 its revision, ?4 number, ?5 now ms
update profiles set revision = ?4, updated_at = max(updated_at + 1, ?5), searched = 0
where company = ?1 and id = ?2 and revision = ?3 and merged_into is null and erased_at is null
returning id
