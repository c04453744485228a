-- Stores how an export ended.
-- ?1 company, ?2 id, ?3 rows, ?4 bytes, ?5 sha256, ?6 last row, ?7 marks, ?8 now ms, ?9 state, ?10
-- number of users that changed after the snapshot
update exports
set rows = +?3, bytes = +?4, sha256 = +?5, last = +?6, marks = +?7, touched_at = +?8, ended_at = +?8, state = +?9, changed = +?10
where company = +?1 and id = +?2
