-- Takes the lease of the move that has not ended, if nobody has it, and answers the move.
-- ?1 now ms, ?2 until ms
update moves set lease_until = max(?2, lease_until + 1) where ended_at is null and lease_until <= ?1
returning id, company, source, target, phase, place, rows, began_at, frozen_at, switched_at, ended_at, lease_until, error
