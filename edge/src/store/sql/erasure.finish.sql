-- Completes an erasure when the person has no link left and no rebuild may give them one.
-- ?1 company, ?2 profile, ?3 now ms
update erasures set completed_at = +?3
where company = +?1 and profile = +?2 and completed_at is null
  and not exists (select 1 from profiles indexed by profiles_merged cross join rebuilds on rebuilds.company = +?1 and rebuilds.profile = profiles.id
                  where profiles.company = +?1 and profiles.merged_into = +?2)
  and not exists (select 1 from links indexed by links_by_profile where company = +?1 and profile = +?2)
