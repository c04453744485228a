-- Gives a person another identity key that nobody has or that somebody gave up. An address gets a
-- new id for public answers.
-- ?1 company, ?2 identity key, ?3 profile, ?4 now ms, ?5 its hash, which no tombstone may have, ?6
-- number of keys below which the profile must stay
insert into identities (company, kind, key, profile, created_at, public_id)
select ?1, iif(instr(?2, '@') > 0, 'email', 'user'), ?2, ?3, ?4, iif(instr(?2, '@') > 0, lower(hex(randomblob(12))), null)
from profiles where company = +?1 and id = +?3 and merged_into is null and erased_at is null
  and json_array_length(aliases) < ?6
  and not exists (select 1 from tombstones where company = +?1 and hash = +?5)
on conflict (company, kind, key) do update
set profile = excluded.profile, origin = null, created_at = excluded.created_at, ended_at = null,
    public_id = case when profile = excluded.profile and origin is null then public_id else excluded.public_id end
where ended_at is not null
