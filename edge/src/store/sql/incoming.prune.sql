-- Deletes a slice of the old entries, of all companies.
-- ?1 before ms, ?2 limit
delete from incoming where (company, ring, place) in (
  select company, ring, place from incoming indexed by incoming_by_age where at < ?1 order by at limit +?2)
