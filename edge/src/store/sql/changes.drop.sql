-- Deletes changes that were copied. The last one stays, because the next number is one more than the
-- last.
-- ?1 number of the last one
delete from changes where seq <= ?1 and seq < (select max(seq) from changes)
