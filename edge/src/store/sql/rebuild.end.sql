-- Ends a rebuild.
-- ?1 company, ?2 profile, ?3 the step that was read
delete from rebuilds where company = +?1 and profile = +?2 and step = +?3
