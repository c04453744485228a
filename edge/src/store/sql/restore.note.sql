-- Notes the file of a restore that ends, so that its last request may be sent twice.
-- ?1 how far its end is
insert into progress (job, place)
select 'restored', json_quote(place ->> 'file') from progress where job = 'restore' and coalesce(place ->> 'end', '') = +?1
on conflict (job) do update set place = excluded.place
