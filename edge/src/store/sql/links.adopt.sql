-- Gives events of nobody in some sessions to a person who is being erased, so that they are deleted
-- too. The ids of these sessions are made from the person's ids.
-- ?1 company, ?2 JSON array of sessions, ?3 profile, ?4 revision
update links set profile = +?3
where company = +?1 and session in (select value from json_each(?2)) and profile is null
  and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
