-- Writes links that were copied. `store/moving.rs` fills in the columns.
-- ?1 JSON array of rows
insert into links ({columns}) select {values} from json_each(?1) where true
on conflict (company, session, at, id) do update set {updates}
