-- Says whose keys these are, if the company is not in the first cell.
-- ?1 company, ?2 JSON array of hashes
insert into key_places (hash, company) select value, ?1 from json_each(?2) where exists (select 1 from places where company = +?1)
on conflict (hash) do nothing
