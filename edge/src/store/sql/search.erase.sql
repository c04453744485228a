-- Deletes the words of an erased person; the trigger deletes them from the index.
-- ?1 company, ?2 profile, ?3 revision
delete from search_docs
where company = +?1 and profile = +?2 and exists (select 1 from profiles where company = +?1 and id = +?2 and revision = +?3)
