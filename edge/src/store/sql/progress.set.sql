-- ?1 job, ?2 place
insert into progress (job, place) values (?1, ?2) on conflict (job) do update set place = +?2
