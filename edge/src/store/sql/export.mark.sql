-- Stores the progress of an export. An export counts as running while it makes progress.
-- ?1 company, ?2 id, ?3 rows, ?4 bytes, ?5 sha256, ?6 last row, ?7 marks, ?8 now ms
update exports set rows = +?3, bytes = +?4, sha256 = +?5, last = +?6, marks = +?7, touched_at = +?8, state = 'running', ended_at = null where company = +?1 and id = +?2
