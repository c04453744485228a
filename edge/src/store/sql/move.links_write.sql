-- Writes links that were copied. `store/moving.rs` fills in the table, its columns and
-- the new values.
-- ?1 JSON array of rows
insert into {table} ({columns}) select {values} from json_each(?1) where true
on conflict (company, session, at, id) do update set {updates}
