-- Stores that a key was used, at most once per ?3 ms.
-- ?1 hash, ?2 now ms, ?3 ms
update keys set last_used_at = +?2 where hash = +?1 and (last_used_at is null or last_used_at <= ?2 - ?3)
