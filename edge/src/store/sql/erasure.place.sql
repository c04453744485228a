-- Stores how far the search for platform events is.
-- ?1 company, ?2 profile, ?3 place
update erasures set place = +?3 where company = +?1 and profile = +?2
