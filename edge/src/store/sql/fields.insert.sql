-- Writes the custom fields that an edit sets.
-- ?1 company, ?2 profile, ?3 JSON object, name → text, ?4 revision
insert into fields (company, profile, name, value)
select ?1, ?2, j.key, j.value from json_each(?3) as j
where exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?4)
on conflict (company, profile, name) do update set value = excluded.value
