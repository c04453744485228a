-- ?1 company, ?2 profile, ?3 JSON object, name → text, ?4 root, ?5 number
insert into fields (company, profile, name, value)
select ?1, ?2, key, value from json_each(?3) where exists (select 1 from profiles where company = +?1 and id = +?4 and revision = +?5)
