-- Deletes what is older than the list of exports goes back. Of all companies. ?1 before ms, ?2
-- limit
delete from exports where (company, id) in (select company, id from exports where started_at < ?1 order by started_at limit ?2)
