-- A key by its hash: the company comes from here, so this finder takes none. ?1 hash
select company, hash, id, prefix, scope, last_used_at, revoked_at from keys where hash = ?1
