-- A key by its hash. Takes no company, because the key tells the company.
-- ?1 hash
select company, hash, id, prefix, scope, last_used_at, revoked_at from keys where hash = +?1
