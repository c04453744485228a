-- The person of a new link: made, or given what the link owns. What a public key says fills gaps and overwrites nothing.
-- An address of somebody who was merged stays theirs. Traits that would grow past ?12 bytes stay as they are. They only grow, so their length tells whether anything changed.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 address, ?6 request, ?7 e-mail as typed, ?8 name, ?9 traits, ?10 server session, ?11 made at ms, ?12 bytes, ?13 now ms
insert into profiles (company, id, email, name, traits, server_session, created_at, registered_at, registered_id, last_ts, longest, events,
                      server_events, sessions, revenue, updated_at, maker, aliases)
select ?1, i.profile, iif(i.origin is null, ?7, null), ?8, ?9, ?10, ?11, ?3, ?4, l.last_ts, l.last_ts - l.first_ts, l.events, l.server_events, 1, l.revenue, ?13, ?4,
       iif(instr(?5, '@') > 0, '[]', json_array(?5))
from identities as i
cross join links as l on l.company = ?1 and l.session = ?2 and l.at = ?3 and l.id = ?4
where i.company = ?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = ?5
  and exists (select 1 from events where company = ?1 and source = 0 and message_id = ?4 and request = ?6)
on conflict (company, id) do update set
  email = coalesce(email, excluded.email),
  name = coalesce(name, excluded.name),
  traits = case when length(cast(json_patch(excluded.traits, traits) as blob)) <= ?12 then json_patch(excluded.traits, traits) else traits end,
  updated_at = case when excluded.name is not null and name is null
    or length(cast(json_patch(excluded.traits, traits) as blob)) between length(cast(traits as blob)) + 1 and ?12 then ?13 else updated_at end,
  searched = searched and not (excluded.name is not null and name is null
    or length(cast(json_patch(excluded.traits, traits) as blob)) between length(cast(traits as blob)) + 1 and ?12),
  registered_id = case when registered_at is null or (?3, ?4) < (registered_at, registered_id) then ?4 else registered_id end,
  registered_at = case when registered_at is null or ?3 < registered_at then ?3 else registered_at end,
  events = events + excluded.events,
  server_events = server_events + excluded.server_events,
  sessions = sessions + not exists (
    select 1 from links where company = ?1 and session = ?2 and +profile = excluded.id and not (at = ?3 and id = ?4)),
  last_ts = (select max(last_ts) from links where company = ?1 and profile = excluded.id),
  longest = max(longest, excluded.longest),
  revenue = case when excluded.revenue is null then revenue else (
    select json_group_object(key, sum) from (
      select key, max(min(sum(value), 1000000000000000000), -1000000000000000000) as sum from (
        select key, value from json_each(profiles.revenue)
        union all select key, value from json_each(excluded.revenue)
      ) group by key having sum(value) <> 0
    )
  ) end
