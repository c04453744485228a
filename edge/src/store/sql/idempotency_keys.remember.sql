-- Stores the answer to the request that claimed the key. In the batch of what the request creates,
-- ?6 is 1: then nothing is stored if the statement before created nothing, and if another request
-- has claimed the key meanwhile, the marker becomes null, which fails the batch.
-- ?1 company, ?2 key, ?3 marker, ?4 status, ?5 sealed answer, ?6 whether it needs a change
update idempotency_keys
set status = +?4, answer = +?5, marker = iif(?6 = 0 or marker = +?3, marker, null)
where company = +?1 and key = +?2
  and iif(?6 = 0, marker = +?3 and status is null, changes() > 0)
