-- Notes that a company is in the first cell.
-- ?1 company
delete from places where company = +?1
