-- Keeps a batch of rows for the end of the restore, if it is the next one.
-- ?1 number of the batch, ?2 JSON array of rows, ?3 table
insert into progress (job, place) select 'restore ' || ?3 || ' ' || cast(?1 as integer), ?2
where exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
