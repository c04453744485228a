-- Like plan.enforce, for the company's keys.
-- ?1 company, ?2 version, 0 for none
update keys set plan = +?2 where company = +?1
