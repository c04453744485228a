-- Stores a batch of rows, if it is the next one. `store/backup.rs` fills in the table and its
-- columns.
-- ?1 number of the batch, ?2 JSON array of rows
insert into {table} ({columns}) select {values} from json_each(?2)
where exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
on conflict do nothing
