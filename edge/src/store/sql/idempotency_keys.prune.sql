-- Deletes a slice of the old keys, of all companies.
-- ?1 before ms, ?2 limit
delete from idempotency_keys where (company, key) in (
  select company, key from idempotency_keys indexed by idempotency_keys_by_age where at < ?1 order by at limit +?2)
