-- ?1 company, ?2 after name, ?3 limit
select name, seen, last_at from catalog where company = ?1 and name > ?2 order by name limit ?3
