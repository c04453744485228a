-- Gives an identity key its profile unless it has one, if a server's request has a new event.
-- ?1 company, ?2 identity key, ?3 profile, ?4 now ms, ?5 JSON array of message ids, ?6 hash of the
-- key
insert into identities (company, kind, key, profile, created_at) select ?1, iif(instr(?2, '@') > 0, 'email', 'user'), ?2, ?3, ?4
where exists (
  select 1 from json_each(?5) as j
  where not exists (select 1 from events where company = +?1 and source = 1 and message_id = j.value))
  and not exists (select 1 from tombstones where company = +?1 and hash = +?6)
on conflict (company, kind, key) do nothing
