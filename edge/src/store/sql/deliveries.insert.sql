-- Writes the outbox: one delivery for each new event and matching subscription. A delivery is held
-- while its subscription accepts none (switched off, circuit open, rate limited), or while the
-- erasure of its person runs, which will delete it. Otherwise it is leased to this invocation, or
-- pending if the invocation may not attempt it.
-- Each pattern of a list is a row read. So a list is read only for a name with a dot, which a
-- pattern may match, or with a comma, as commas separate the patterns.
-- ?1 JSON array of message ids, ?2 company, ?3 source, ?4 address of the identify or null ('' for
-- platform events, whose data has the user), ?5 marker, ?6 now ms, ?7 lease end ms, ?8 JSON array
-- of subscriptions for which none is leased, ?9 number of events whose deliveries may be leased
with fresh as materialized (
  select j.key as place, e.message_id, coalesce(
      (select 'user_registered' from identities as i join profiles as p on p.company = i.company and p.id = i.profile
       where i.company = +?2 and i.kind = iif(instr(?4, '@') > 0, 'email', 'user') and i.key = +?4 and p.registered_id = e.message_id and e.type = 'identify'), e.type) as name,
    coalesce(
      (select json_array(profile) from links where company = +?2 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
      (select json_array(profile) from links where company = +?2 and session = e.session order by at, id limit 1),
      iif(?3 = 1 and ?4 = '', json_array(e.data ->> '$.user.id'), null)) ->> 0 as profile
  from json_each(iif(exists (select 1 from subscriptions where company = +?2), ?1, '[]')) as j
  cross join events as e on e.company = +?2 and e.source = +?3 and e.message_id = j.value and e.request = +?5
)
insert into deliveries (company, id, subscription, source, message_id, event, profile, state, generation, due_at, created_at)
select ?2, format('%012x', ?6) || lower(hex(randomblob(10))), subscription, ?3, message_id, name, profile, state, state = 'leased', iif(state = 'leased', ?7, ?6), ?6
from (
  select s.id as subscription, f.message_id, f.name, f.profile,
         case when s.active = 0 or c.webhooks_enabled = 0 or s.open_until is not null or s.rate_limit is not null then 'held'
              when exists (select 1 from erasures as r indexed by erasures_open
                           where r.company = +?2 and r.profile = f.profile and r.completed_at is null and r.notice <> f.message_id) then 'held'
              when f.place >= ?9 or s.id in (select value from json_each(?8)) then 'pending'
              else 'leased' end as state
  from fresh as f cross join subscriptions as s on s.company = +?2 cross join companies as c on c.id = +?2
  where instr(s.events, '"*"') > 0
    or instr(s.events, json_quote(f.name)) > 0 and instr(f.name, ',') = 0
    or (instr(f.name, ',') > 0 or instr(f.name, '.') > 0 and instr(s.events, '.*"') > 0) and exists (
      select 1 from json_each(s.events) as p
      where p.value = f.name or substr(p.value, -1) = '*' and instr(f.name, rtrim(p.value, '*')) = 1)
)
where true
returning id, subscription, message_id, event, profile, state
