-- Deletes the custom fields that an edit removes.
-- ?1 company, ?2 profile, ?3 JSON array of names, ?4 revision
delete from fields
where company = +?1 and profile = +?2 and name in (select value from json_each(?3))
  and exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?4)
