-- Takes the turn of a job, unless it was taken a while ago or less. What lies in the future is
-- another machine's clock, and no reason to wait.
-- ?1 job, ?2 now ms, a text, ?3 a while ago, ms
insert into progress (job, place) values (?1, ?2)
on conflict (job) do update set place = ?2 where cast(place as integer) not between ?3 + 1 and cast(?2 as integer)
