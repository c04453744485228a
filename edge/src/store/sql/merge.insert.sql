-- ?1 company, ?2 winner, ?3 loser, ?4 now ms, ?5 admin or server, ?6 number
insert into merges (company, loser, winner, at, source)
select ?1, ?3, ?2, ?4, ?5 where exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?6)
on conflict (company, loser) do nothing
