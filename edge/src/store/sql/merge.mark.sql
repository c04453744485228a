-- Begins a merge if neither profile changed since it was read: what follows in the batch asks for the winner's edit.
-- ?1 company, ?2 winner, ?3 its edit, ?4 loser, ?5 its edit, ?6 number, ?7 now ms
update profiles set edit = ?6, updated_at = max(updated_at + 1, ?7), searched = 0
where company = ?1 and id in (?2, ?4) and (
  select count(*) from profiles where company = ?1 and merged_into is null and erased_at is null and (id = ?2 and edit = ?3 or id = ?4 and edit = ?5)) = 2
returning id
