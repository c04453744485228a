-- Notes the company of keys.
-- ?1 company, ?2 JSON array of hashes
insert into key_places (hash, company) select value, ?1 from json_each(?2) where true on conflict (hash) do nothing
