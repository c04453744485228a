-- Removes a key that a person gave up from their profile, when another person gets it. Runs before
-- identity.put and identity.add.
-- ?1 company, ?2 identity key, ?3 profile that gets it, ?4 revision that this profile has now, or
-- null
update profiles
set aliases = (select json_group_array(value) from json_each(aliases) where value <> ?2), searched = 0
where company = +?1 and id <> ?3 and id in (
    select j.value from identities as i cross join json_each(json_array(i.profile, i.origin)) as j
    where i.company = +?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = +?2 and i.ended_at is not null)
  and exists (select 1 from profiles where company = +?1 and id = +?3 and (?4 is null or revision = +?4) and merged_into is null and erased_at is null)
