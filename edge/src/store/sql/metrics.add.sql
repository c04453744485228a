-- Adds to the counters. Their names are a closed list, so the row has a limited size.
-- ?1 JSON object: name → count
insert into progress (job, place) values ('counters', ?1)
on conflict (job) do update set place = (
  select json_group_object(key, n) from (
    select key, sum(value) as n
    from (select key, value from json_each(progress.place) union all select key, value from json_each(?1))
    group by key))
