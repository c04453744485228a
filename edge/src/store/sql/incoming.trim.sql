-- Deletes the oldest entries of a ring.
-- ?1 company, ?2 ring, ?3 most entries of the ring
delete from incoming
where company = +?1 and ring = +?2 and place <= (select max(place) from incoming where company = +?1 and ring = +?2) - ?3
