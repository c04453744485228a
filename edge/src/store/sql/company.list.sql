-- The operator's list, in the order of ids. ?1 after id, ?2 limit
select id, name, created_at from companies where id > ?1 order by id limit +?2
