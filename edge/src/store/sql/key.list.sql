-- ?1 company
select id, scope, prefix, name, created_at, last_used_at, revoked_at from keys where company = ?1 order by id
