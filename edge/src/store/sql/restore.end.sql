-- Ends a restore. From here on the Worker works with what was restored.
-- ?1 number of all batches
delete from progress
where job = 'restore' and place ->> 'next' = +?1 or job > 'restore ' and job < 'restore!'
