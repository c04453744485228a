-- Deletes an identity key of a deleted profile.
-- ?1 company, ?2 identity key, ?3 profile
delete from identities
where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2 and profile = +?3 and not exists (select 1 from profiles where company = +?1 and id = +?3)
