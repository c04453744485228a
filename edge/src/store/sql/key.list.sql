-- Live keys, then those revoked last.
-- ?1 company, ?2 most
select id, scope, prefix, name, created_at, last_used_at, revoked_at from keys
where company = +?1 order by revoked_at is not null, iif(revoked_at is null, created_at, -created_at), id limit +?2
