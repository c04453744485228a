-- Deletes what leads to the people whose erasures are open, from a slice of a table.
-- `store/restore_end.rs` fills in the table and its key.
-- ?1 after this key, a JSON array, ?2 to this key, ?3 how far the end of the restore is,
-- ?4 most rows
delete from {table}
where ({key}) in (select {key} from {table} where ({key}) > ({place}) order by {key} limit +?4)
  and ({key}) <= ({last})
  and exists (select 1 from erasures as e where e.company = {table}.company and e.profile = {table}.profile and e.completed_at is null)
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?3)
