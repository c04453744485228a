-- Stores the progress of a rebuild.
-- ?1 company, ?2 profile, ?3 the step that was read, ?4 the result so far, ?5 ?6 ?7 ?8 the last
-- link (last ts or null, session, at, id), ?9 now ms
update rebuilds set step = step + 1, found = +?4, last_ts = coalesce(?5, last_ts), session = +?6, at = +?7, id = +?8, touched_at = +?9
where company = +?1 and profile = +?2 and step = +?3
