-- Deletes the result so far of an erased person's rebuild. The rebuild still moves links that now
-- belong to other people.
-- ?1 company, ?2 profile, ?3 revision
update rebuilds set found = '{}', step = step + 1
where company = +?1 and profile = +?2 and exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?3)
