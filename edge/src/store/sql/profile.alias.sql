-- Adds the key of identity.add to its profile.
-- ?1 company, ?2 identity key, ?3 profile, ?4 now ms, ?5 revision
update profiles set aliases = json_insert(aliases, '$[#]', ?2), updated_at = max(updated_at + 1, ?4), trusted_at = +?4, searched = 0, revision = +?5
where company = +?1 and id = +?3 and not exists (select 1 from json_each(aliases) where value = +?2)
  and exists (select 1 from identities where company = +?1 and kind = iif(instr(?2, '@') > 0, 'email', 'user') and key = +?2 and profile = +?3 and created_at = +?4)
