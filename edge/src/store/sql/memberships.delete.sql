-- Deletes memberships of a group, up to a limit.
-- ?1 company, ?2 group, ?3 limit
delete from memberships
where company = +?1 and (session, group_id, ts) in (
  select session, group_id, ts from memberships indexed by memberships_by_group where company = +?1 and group_id = +?2 limit +?3)
