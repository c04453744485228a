-- From when on claims are noted beside the profile that rebuild.open, before it in the batch, has
-- opened: what came before is found at its links.
-- ?1 company, ?2 profile, ?3 now ms
update profiles set later_claims = '{}'
where company = ?1 and id = ?2 and merged_into is null and exists (select 1 from rebuilds where company = ?1 and profile = ?2 and began_at = ?3 and last_ts = -9007199254740991)
