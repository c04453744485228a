-- Whether an erasure is open.
-- ?1 after this company, ?2 to this company
select 1 as found from erasures where company > ?1 and company <= ?2 and completed_at is null limit 1
