-- Deletes the identity keys of an erased person.
-- ?1 company, ?2 JSON array of {k kind, v key}, ?3 profile, ?4 revision
delete from identities
where company = +?1 and (kind, key) in (select value->>'k', value->>'v' from json_each(?2)) and profile = +?3
  and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
