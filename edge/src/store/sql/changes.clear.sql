-- Deletes changes.
-- ?1 most
delete from changes where seq in (select seq from changes order by seq limit +?1)
