-- The next rows that have changed.
-- ?1 after this number, ?2 most
select name as row, key as place, seq as found from changes where seq > ?1 order by seq limit +?2
