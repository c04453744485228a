-- Gives a lease back, and notes why the step failed.
-- ?1 id, ?2 the lease, ?3 until ms, ?4 error or null
update moves set lease_until = +?3, error = coalesce(?4, error) where id = +?1 and lease_until = +?2
