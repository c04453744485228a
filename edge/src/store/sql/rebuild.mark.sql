-- Makes later claims be stored beside the profile whose rebuild rebuild.open, earlier in the batch,
-- has started. The rebuild finds earlier claims at the links.
-- ?1 company, ?2 profile, ?3 now ms
update profiles set later_claims = '{}'
where company = +?1 and id = +?2 and merged_into is null and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and began_at = +?3 and last_ts = -9007199254740991)
