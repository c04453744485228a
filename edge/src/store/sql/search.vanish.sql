-- Deletes the words of a deleted profile.
-- ?1 company, ?2 profile
delete from search_docs where company = +?1 and profile = +?2 and not exists (select 1 from profiles where company = +?1 and id = +?2)
