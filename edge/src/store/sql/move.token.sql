-- The worker with the latest lease of a move works in this cell from here on.
-- ?1 its token; a later one is greater
insert into progress (job, place) values ('move', ?1)
on conflict (job) do update set place = excluded.place where progress.place < excluded.place
