-- Counts a batch, if it is the next one.
-- ?1 number of the batch, ?2 its rows, ?3 now ms
update progress
set place = json_set(place, '$.next', cast(?1 as integer) + 1, '$.rows', (place ->> 'rows') + cast(?2 as integer), '$.activeAt', cast(?3 as integer))
where job = 'restore' and place ->> 'next' = +?1
