-- Deletes the tombstones of people who were erased after the backup had read the erasures. For this
-- backup they were not erased yet.
-- ?1 number of all batches, ?2 after this company, ?3 to this company
delete from tombstones
where company > ?2 and company <= ?3
  and not exists (select 1 from erasures as e where e.company = tombstones.company and e.profile = tombstones.profile)
  and exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
