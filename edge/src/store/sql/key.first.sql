-- Adds a first key of a company, if the previous statement created the company or its other first
-- key.
-- ?1 hash, ?2 company, ?3 id, ?4 scope, ?5 visible prefix, ?6 name, ?7 now ms
insert into keys (hash, company, id, scope, prefix, name, created_at)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7 where changes() > 0
