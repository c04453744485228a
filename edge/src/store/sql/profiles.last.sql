-- Sets when profiles were last active, after links of theirs moved.
-- ?1 company, ?2 JSON array of profiles
update profiles set last_ts = (select max(last_ts) from links where company = +?1 and profile = profiles.id)
where company = +?1 and id in (select value from json_each(?2)) and erased_at is null
