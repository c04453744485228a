-- Deletes a slice of the old exports, of all companies.
-- ?1 before ms, ?2 limit
delete from exports where (company, id) in (select company, id from exports where started_at < ?1 order by started_at limit +?2)
