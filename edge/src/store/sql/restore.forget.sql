-- Deletes what leads to the people whose erasures are open. `store/backup.rs` fills in the table.
-- ?1 number of all batches, ?2 after this company, ?3 to this company
delete from {table}
where company > ?2 and company <= ?3
  and exists (select 1 from erasures as e where e.company = {table}.company and e.profile = {table}.profile and e.completed_at is null)
  and exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
