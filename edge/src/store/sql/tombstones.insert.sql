-- Keeps the identity keys of an erased person from creating a new person.
-- ?1 company, ?2 JSON array of {h hash, p its id in public answers}, ?3 profile, ?4 revision, ?5
-- now ms
insert into tombstones (company, hash, profile, created_at, public_id)
select ?1, j.value->>'h', ?3, ?5, nullif(j.value->>'p', ?3) from json_each(?2) as j
where exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
on conflict (company, hash) do update set profile = excluded.profile, created_at = excluded.created_at, public_id = excluded.public_id
