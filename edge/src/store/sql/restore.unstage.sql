-- Deletes a batch that waited for the end of the restore and is stored.
-- ?1 job of the batch, ?2 how far the end of the restore is
delete from progress
where job = +?1
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?2)
