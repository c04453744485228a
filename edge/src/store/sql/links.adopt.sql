-- Gives to a person who is being erased what is nobody's of some sessions, those that are named by
-- the person's own ids: it goes with the rest.
-- ?1 company, ?2 JSON array of sessions, ?3 profile, ?4 revision
update links set profile = ?3
where company = ?1 and session in (select value from json_each(?2)) and profile is null
  and exists (select 1 from profiles where company = ?1 and id = ?3 and revision = ?4)
