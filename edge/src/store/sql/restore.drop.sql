-- Deletes rows of a table that a restore has stored. `store/backup.rs` fills in the table and its
-- key.
-- ?1 after this company, ?2 to this company, ?3 most rows
delete from {table} where ({key}) in (
  select {key} from {table} where {company} > ?1 and {company} <= ?2 order by {key} limit +?3)
