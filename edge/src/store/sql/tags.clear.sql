-- ?1 company, ?2 JSON array of profiles, ?3 root, ?4 number
delete from tags
where company = +?1 and profile in (select value from json_each(?2)) and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
