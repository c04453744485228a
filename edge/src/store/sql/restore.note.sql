-- Notes the file of a restore that ends, so that its last request may be sent twice.
-- ?1 number of all batches
insert into progress (job, place)
select 'restored', json_quote(place ->> 'file') from progress where job = 'restore' and place ->> 'next' = +?1
on conflict (job) do update set place = excluded.place
