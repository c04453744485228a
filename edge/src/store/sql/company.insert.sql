-- Creates a company, unless this cell has it, or the directory in this cell says that another has.
-- ?1 id, ?2 name, ?3 revenue events JSON, ?4 now ms
insert into companies (id, name, revenue_events, created_at)
select ?1, ?2, ?3, ?4 where not exists (select 1 from places where company = +?1)
on conflict (id) do nothing
