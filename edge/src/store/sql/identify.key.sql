-- Gives a new identity key its profile. The unique key ensures that concurrent identifies create
-- only one profile.
-- ?1 company, ?2 identity key, ?3 profile if new, ?4 now ms, ?5 message id, ?6 marker
insert into identities (company, kind, key, profile, created_at)
select ?1, iif(instr(?2, '@') > 0, 'email', 'user'), ?2, ?3, ?4
where exists (select 1 from events where company = +?1 and source = 0 and message_id = +?5 and request = +?6)
on conflict (company, kind, key) do nothing
