-- Saves where a move goes on, if the worker still has the lease and the phase is as it was.
-- ?1 id, ?2 its lease, ?3 phase as it was, ?4 phase, ?5 place, ?6 rows, ?7 now ms, ?8 error or null,
-- ?9 until ms, a longer lease
update moves set phase = +?4, place = +?5, rows = +?6, error = coalesce(?8, iif(?4 in ('aborting', 'aborted'), error, null)),
  frozen_at = coalesce(frozen_at, iif(?4 = 'frozen', ?7, null)),
  switched_at = coalesce(switched_at, iif(?4 = 'switched', ?7, null)),
  ended_at = iif(?4 in ('done', 'aborted'), ?7, null), lease_until = max(?9, lease_until + 1)
where id = +?1 and lease_until = +?2 and phase = +?3 and ended_at is null
returning lease_until, frozen_at, switched_at
