-- Stores the rows of a batch that waited for the end of the restore. `store/restore_end.rs` fills in
-- the table and its columns.
-- ?1 job of the batch, ?2 how far the end of the restore is
insert into {table} ({columns}) select {values} from progress as p cross join json_each(p.place)
where p.job = +?1
  and exists (select 1 from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?2)
on conflict do nothing
