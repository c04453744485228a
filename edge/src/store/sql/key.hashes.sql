-- The hashes of a company's keys, the valid ones first.
-- ?1 company, ?2 most
select null as row, hash as place, 0 as found from keys where company = +?1 order by revoked_at is not null limit +?2
