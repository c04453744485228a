-- Adds the tags of an edit.
-- ?1 company, ?2 profile, ?3 JSON array of names, ?4 revision, ?5 now ms
insert into tags (company, profile, name, applied_at)
select ?1, ?2, j.value, ?5 from json_each(?3) as j
where exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?4)
on conflict (company, profile, name) do nothing
