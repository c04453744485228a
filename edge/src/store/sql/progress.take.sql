-- Takes the turn of a job, unless it was taken after ?3. A time in the future is another machine's
-- clock, and does not count.
-- ?1 job, ?2 now ms as text, ?3 ms
insert into progress (job, place) values (?1, ?2)
on conflict (job) do update set place = +?2 where cast(place as integer) not between ?3 + 1 and cast(?2 as integer)
