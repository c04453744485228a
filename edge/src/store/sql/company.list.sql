-- The operator's list, in the order of ids. Those in another cell have no name here.
-- ?1 after id, ?2 limit
select * from (select id, name, created_at, 'DB' as cell from companies where id > ?1 and not exists (select 1 from away where company = id) order by id limit +?2)
union all
select * from (select company, null, null, cell from places where company > ?1 order by company limit +?2)
order by 1 limit +?2
