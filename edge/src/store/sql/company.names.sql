-- The names of companies. ?1 JSON array of ids
select id, name, created_at from companies where id in (select value from json_each(?1))
