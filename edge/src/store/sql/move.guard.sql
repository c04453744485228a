-- Fails, and with it the whole batch, if a worker with a later lease works in this cell. So a worker
-- that was delayed writes nothing. It fails by a null in a column that takes none.
-- ?1 the worker's token
insert into progress (job, place)
select null, ?1 where not exists (select 1 from progress where job = 'move' and place = +?1)
