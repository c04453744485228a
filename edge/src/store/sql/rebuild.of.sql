-- A rebuild of a person, or of a profile merged into them.
-- ?1 company, ?2 profile
select profile from rebuilds
where company = +?1 and profile in (select ?2 union all select id from profiles indexed by profiles_merged where company = +?1 and merged_into = +?2) limit 1
