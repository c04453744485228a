-- The last row of the next slice of a table, for the end of a restore. `store/restore_end.rs` fills in
-- the table and its key.
-- ?1 after this key, a JSON array, ?2 to this company, ?3 most rows
select json_array({key}) as last from (
  select {key}, row_number() over (order by {key}) as n from (
    select {key} from {table} where ({key}) > ({place}) and {company} <= ?2 order by {key} limit +?3))
order by n desc limit 1
