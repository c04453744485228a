-- Gives the address of an edit to its profile. profile.edit has checked that nobody else uses it.
-- It gets a new id for public answers, unless it was the profile's before.
-- ?1 company, ?2 address, ?3 profile, ?4 revision, ?5 now ms
insert into identities (company, kind, key, profile, created_at, public_id)
select ?1, iif(instr(?2, '@') > 0, 'email', 'user'), ?2, ?3, ?5, lower(hex(randomblob(12))) where exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
on conflict (company, kind, key) do update
set profile = excluded.profile, origin = null, ended_at = null, public_id = case when profile = excluded.profile and origin is null then public_id else excluded.public_id end
