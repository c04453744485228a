-- Frees the key of a request whose answer is not stored.
-- ?1 company, ?2 key, ?3 marker
delete from idempotency_keys where company = +?1 and key = +?2 and marker = +?3 and status is null
