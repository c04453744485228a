-- Stores the rows that waited for the end of the restore. `store/backup.rs` fills in the table and
-- its columns.
-- ?1 number of all batches
insert into {table} ({columns}) select {values} from progress as p cross join json_each(p.place)
where p.job > 'restore {table} ' and p.job < 'restore {table}!'
  and exists (select 1 from progress where job = 'restore' and place ->> 'next' = +?1)
on conflict do nothing
