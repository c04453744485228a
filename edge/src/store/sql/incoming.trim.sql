-- Deletes what a ring no longer keeps. ?1 company, ?2 ring, ?3 items that it keeps
delete from incoming
where company = ?1 and ring = ?2 and place <= (select max(place) from incoming where company = ?1 and ring = ?2) - ?3
