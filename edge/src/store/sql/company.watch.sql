-- Stores that somebody watches received items. Writes only if the remaining time is short.
-- ?1 company, ?2 until ms, ?3 writes only if the stored time is before this, ms
update companies set watched_until = +?2 where id = +?1 and watched_until < ?3
