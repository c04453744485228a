-- Stores how far a company's round has come, and when its next turn is due.
-- ?1 company, ?2 where the round continues, null if it has ended, ?3 due ms, ?4 when it began, ms;
-- null if that is known
update hour_counts set round = +?2, due_at = +?3, begun_at = coalesce(?4, begun_at) where company = +?1
