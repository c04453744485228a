-- ?1 company, ?2 id, ?3 now ms, ?4 actor, ?5 key id, ?6 key's prefix, ?7 action, ?8 target, ?9
-- request, ?10 outcome
insert into audit (company, id, at, actor, key_id, key_prefix, action, target, request, outcome)
select id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 from companies where id = +?1
