-- Ends a rebuilding. ?1 company, ?2 profile, ?3 the step that was seen
delete from rebuilds where company = ?1 and profile = ?2 and step = ?3
