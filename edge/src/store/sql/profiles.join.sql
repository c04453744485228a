-- Sets the profile that stands for some profiles from now on. It may be one of them.
-- ?1 company, ?2 JSON array of profiles, ?3 the one that stands for them, ?4 root, ?5 number
update profiles set merged_into = nullif(?3, id), searched = 0
where company = +?1 and id in (select value from json_each(?2)) and exists (select 1 from profiles where company = +?1 and id = +?4 and revision = +?5)
