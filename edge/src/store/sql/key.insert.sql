-- Adds a key while the company has fewer than ?8 live keys.
-- ?1 hash, ?2 company, ?3 id, ?4 scope, ?5 visible prefix, ?6 name, ?7 now ms, ?8 most live keys
insert into keys (hash, company, id, scope, prefix, name, created_at, plan)
select ?1, id, ?3, ?4, ?5, ?6, ?7, plan from companies
where id = +?2 and (select count(*) from keys where company = +?2 and revoked_at is null) < ?8
