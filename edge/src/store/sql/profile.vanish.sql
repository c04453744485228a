-- Deletes a profile that only an undone identify created, and that has no other data.
-- ?1 company, ?2 profile, ?3 the step of its rebuild that was read
delete from profiles
where company = +?1 and id = +?2 and trusted_at is null and trusted_data is null and merged_into is null and erased_at is null
  and created_by_identify is null and registered_id is null and events = 0
  and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and step = +?3 and vanish = 1)
  and not exists (select 1 from links indexed by links_by_profile where company = +?1 and profile = +?2)
returning id
