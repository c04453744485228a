-- Takes away what links.reserve once opened and nothing came in for, of a profile that is about to go: all that made it is the identify ?4, which is taken back, or
-- was taken back before. Otherwise it stays: an event that was resolved before a merge was taken back and is stored after finds a link of the right person.
-- ?1 company, ?2 profile, ?3 number, ?4 message id or null
delete from links
where company = ?1 and at = 0 and id = '' and events = 0 and has_records = 0
  and session = (
    select server_session from profiles
    where company = ?1 and id = ?2 and edit = ?3 and said_at is null and own is null and merged_into is null
      and (maker = ?4 or ?4 is null and maker is null and registered_id is null and events = 0))
  and not exists (select 1 from links indexed by links_by_profile where company = ?1 and profile = ?2 and id <> '')
