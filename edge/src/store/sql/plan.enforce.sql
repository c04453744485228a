-- Sets the version of a company's tracking plan in force.
-- ?1 company, ?2 version, 0 for none
update companies set plan = +?2 where id = +?1
