-- The columns of a move.
select id, company, source, target, phase, place, rows, began_at, frozen_at, switched_at, ended_at, lease_until, error
