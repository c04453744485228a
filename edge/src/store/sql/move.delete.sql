-- Deletes the rows of a table with these keys. `store/moving.rs` fills in the table and its key.
-- ?1 JSON array of keys
delete from {table} where ({key}) in (select {key_values} from json_each(?1))
