-- Deletes batches of a restore that is given up, which waited for its end.
-- ?1 most rows
delete from progress where job in (
  select job from progress where job > 'restore ' and job < 'restore!' order by job limit +?1)
