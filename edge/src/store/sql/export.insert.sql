-- Stores that an export begins, unless too many exports of the company are running.
-- ?1 company, ?2 id, ?3 key id, ?4 key's prefix, ?5 kind, ?6 format, ?7 filters, ?8 fields, ?9
-- snapshot ms, ?10 after, ?11 request id, ?12 now ms, ?13 most
insert into exports (company, id, key_id, key_prefix, kind, format, filters, fields, snapshot, after, state, request, started_at, touched_at)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running', ?11, ?12, ?12
where (select count(*) from exports where company = +?1 and state = 'running') < ?13
