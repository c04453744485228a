-- The identity keys of a person, with their ids in public answers. Reads all identity keys of the
-- company: an index by profile would cost each new person a row, and an erasure can wait.
-- ?1 company, ?2 profile
select kind, key, coalesce(public_id, origin, profile) as public_id from identities where company = +?1 and profile = +?2
