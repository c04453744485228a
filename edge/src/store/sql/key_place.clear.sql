-- Notes that the keys of a company are in the first cell.
-- ?1 company
delete from key_places where company = +?1
