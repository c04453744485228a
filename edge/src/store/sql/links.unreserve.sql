-- Deletes an empty link that links.reserve created, if its profile is deleted because nothing is
-- left of it. Otherwise the link stays: an event that was resolved before an undone merge, and
-- stored after it, finds a link of the right person.
-- ?1 company, ?2 profile, ?3 the step of its rebuild that was read
delete from links
where company = +?1 and at = 0 and id = '' and events = 0 and has_records = 0
  and session = (
    select server_session from profiles
    where company = +?1 and id = +?2 and trusted_at is null and trusted_data is null and merged_into is null and created_by_identify is null and registered_id is null and events = 0)
  and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and step = +?3 and vanish = 1)
  and not exists (select 1 from links indexed by links_by_profile where company = +?1 and profile = +?2 and id <> '')
