-- ?1 company, ?2 id, ?3 now ms
update keys set revoked_at = coalesce(revoked_at, ?3) where company = +?1 and id = +?2
