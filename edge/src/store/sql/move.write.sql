-- Writes rows that were copied. A row with the same key is replaced, and so is one that has the same
-- value in another unique index, because that one has changed too. `store/backup.rs` fills in the
-- table and its columns.
-- ?1 JSON array of rows
insert or replace into {table} ({columns}) select {values} from json_each(?1)
