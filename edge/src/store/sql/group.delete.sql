-- Deletes a group without members.
-- ?1 company, ?2 group
delete from groups
where company = +?1 and id = +?2 and not exists (select 1 from memberships indexed by memberships_by_group where company = +?1 and group_id = +?2)
returning id
