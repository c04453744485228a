-- Notes that a company is in this cell.
-- ?1 company
delete from away where company = +?1
