-- Deletes a slice of the old entries, of all companies.
-- ?1 before ms, ?2 limit
delete from audit where (company, id) in (select company, id from audit where at < ?1 order by at limit +?2)
