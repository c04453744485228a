-- ?1 company
delete from violations where company = +?1
