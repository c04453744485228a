-- Somebody watches what comes in. Writes only when the time that is left is short. ?1 company, ?2
-- until ms, ?3 unless it is later than this, ms
update companies set watched_until = ?2 where id = ?1 and watched_until < ?3
