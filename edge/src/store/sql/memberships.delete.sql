-- Deletes memberships of a group, so many at most. ?1 company, ?2 group, ?3 limit
delete from memberships
where company = ?1 and (session, grp, ts) in (
  select session, grp, ts from memberships indexed by memberships_by_group where company = ?1 and grp = ?2 limit ?3)
