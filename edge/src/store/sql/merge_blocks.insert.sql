-- Blocks merges of each of some profiles with each of others.
-- ?1 company, ?2 and ?3 JSON arrays of profiles, ?4 root, ?5 number, ?6 now ms
insert into merge_blocks (company, one, other, at)
select ?1, min(a.value, b.value), max(a.value, b.value), ?6 from json_each(?2) as a cross join json_each(?3) as b
where exists (select 1 from profiles where company = +?1 and id = +?4 and revision = +?5)
on conflict (company, one, other) do nothing
