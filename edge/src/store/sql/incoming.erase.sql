-- Deletes rejected items on sessions of an erased person.
-- ?1 company, ?2 profile, ?3 most links
delete from incoming where company = +?1 and ring > 0 and session in (
  select session from links indexed by links_by_profile where company = +?1 and profile = +?2 order by last_ts limit +?3)
