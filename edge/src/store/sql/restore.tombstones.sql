-- Deletes the tombstones of a slice whose people were erased after the backup had read the erasures.
-- For this backup they were not erased yet. `store/restore_end.rs` fills in the key.
-- ?1 after this key, a JSON array, ?2 to this key, ?3 how far the end of the restore is,
-- ?4 most rows
delete from {table}
where ({key}) in (select {key} from {table} where ({key}) > ({place}) order by {key} limit +?4)
  and ({key}) <= ({last})
  and not exists (select 1 from erasures as e where e.company = {table}.company and e.profile = {table}.profile)
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?3)
