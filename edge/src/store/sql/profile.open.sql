-- Creates the profile of a server event, with the counts of its session. Does nothing if the
-- identity key leads to another profile.
-- ?1 company, ?2 profile, ?3 identity key, ?4 e-mail as typed, ?5 server session, ?6 created at ms,
-- ?7 now ms
insert into profiles (company, id, email, traits, server_session, created_at, last_ts, events, server_events, revenue, updated_at, aliases)
select ?1, ?2, ?4, '{}', ?5, ?6, l.last_ts, coalesce(l.events, 0), coalesce(l.server_events, 0), l.revenue, ?7, iif(instr(?3, '@') > 0, '[]', json_array(?3))
from identities as i
left join links as l on l.company = +?1 and l.session = +?5 and l.at = 0 and l.id = ''
where i.company = +?1 and i.kind = iif(instr(?3, '@') > 0, 'email', 'user') and i.key = +?3 and i.profile = +?2
on conflict (company, id) do nothing
