-- Adds the key of identity.add to its profile: as its address if it has none, otherwise as another
-- key. It is no trusted trait.
-- ?1 company, ?2 lookup key, ?3 profile, ?4 now ms, ?5 an address as typed, or null, ?6 revision
update profiles
set email = iif(instr(?2, '@') > 0, coalesce(email, ?5), email),
    aliases = iif(instr(?2, '@') > 0 and email is null, aliases, json_insert(aliases, '$[#]', ?2)), updated_at = max(updated_at + 1, ?4), searched = 0, revision = +?6
where company = +?1 and id = +?3 and not exists (select 1 from json_each(aliases) where value = +?2)
  and exists (select 1 from identities
              where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2 and profile = +?3 and created_at = +?4)
