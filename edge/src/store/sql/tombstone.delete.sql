-- Deletes a tombstone, so that its identity key can be used again, by a new person.
-- ?1 company, ?2 hash
delete from tombstones where company = +?1 and hash = +?2 returning hash
