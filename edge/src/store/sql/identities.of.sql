-- What leads to a person, and what public answers call it. Reads the company's identities: an index
-- by profile would cost each new person a row, and who erases can wait.
-- ?1 company, ?2 profile
select kind, key, coalesce(public_id, origin, profile) as public_id from identities where company = ?1 and profile = ?2
