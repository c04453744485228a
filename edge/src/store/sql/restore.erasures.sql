-- Opens the erasures of a slice again that ran or began during the backup, because tables that were
-- read before still have data of these people. `store/restore_end.rs` fills in the key.
-- ?1 after this key, a JSON array, ?2 to this key, ?3 how far the end of the restore is, ?4 when the
-- backup began, ms, ?5 most rows
update {table} set completed_at = null, place = '[0,0,""]'
where ({key}) in (select {key} from {table} where ({key}) > ({place}) order by {key} limit +?5)
  and ({key}) <= ({last})
  and (completed_at is null or completed_at >= ?4)
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?3)
