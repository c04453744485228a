-- Opens the erasures again that ran or began during the backup, because tables that were read before
-- still have data of these people.
-- ?1 number of all batches, ?2 when the backup began, ms, ?3 after this company, ?4 to this company
update erasures set completed_at = null, place = '[0,0,""]'
where company > ?3 and company <= ?4 and (completed_at is null or completed_at >= ?2)
  and exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
