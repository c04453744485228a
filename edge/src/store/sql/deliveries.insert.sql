-- Writes the outbox: one delivery per new event and subscription that wants it. Held while its subscription does not take any (off, circuit open, rate
-- limited); leased to the invocation that stores it, as far as that may attempt it; else pending. Patterns are matched once per name, not per event.
-- ?1 JSON array of message ids, ?2 company, ?3 source, ?4 address of the identify or null, ?5 request, ?6 now ms, ?7 lease end ms, ?8 how many are leased at
-- most, ?9 JSON array of subscriptions none is leased for, ?10 ms of timeout up to which one is leased
with fresh as materialized (
  select e.message_id,
         coalesce((
           select 'user_registered' from identities as i join profiles as p on p.company = i.company and p.id = i.profile
           where i.company = ?2 and i.kind = 'email' and i.key = ?4 and p.registered_id = e.message_id and e.type = 'identify'
         ), e.type) as name,
         coalesce(
           (select json_object('p', profile) from links where company = ?2 and session = e.session and at <= e.ts order by at desc, id desc limit 1),
           (select json_object('p', profile) from links where company = ?2 and session = e.session order by at, id limit 1)
         ) ->> 'p' as profile
  from json_each(?1) as j cross join events as e
    on e.company = ?2 and e.source = ?3 and e.message_id = j.value and e.request = ?5
  where exists (select 1 from subscriptions where company = ?2)
),
wanted as materialized (
  select s.id as subscription, n.name,
         case when s.active = 0 or c.webhooks_enabled = 0 or s.open_until is not null or s.rate_limit is not null then 'held'
              when s.timeout_ms > ?10 or s.id in (select value from json_each(?9)) then 'pending'
              else 'leased' end as state
  from (select distinct name from fresh) as n cross join subscriptions as s on s.company = ?2 cross join companies as c on c.id = ?2
  where exists (
    select 1 from json_each(s.events) as p
    where p.value = '*' or p.value = n.name
       or (substr(p.value, -2) = '.*' and substr(n.name, 1, length(p.value) - 1) = substr(p.value, 1, length(p.value) - 1)))
)
insert into deliveries (company, id, subscription, source, message_id, event, profile, state, generation, due_at, created_at)
select ?2, lower(hex(randomblob(16))), subscription, ?3, message_id, name, profile, state, state = 'leased', case state when 'leased' then ?7 else ?6 end, ?6
from (
  select w.subscription, f.message_id, f.name, f.profile,
         case when w.state = 'leased' and row_number() over (partition by w.state) > ?8 then 'pending' else w.state end as state
  from fresh as f join wanted as w on w.name = f.name
)
where true
returning id, subscription, message_id, event, profile, state,
  case state when 'leased' then (
    select json_object('url', url, 'headers', headers, 'secret', secret, 'old_secret', old_secret, 'old_secret_until', old_secret_until,
                       'preset', preset, 'attempts', retry_attempts, 'delay_s', retry_delay_s, 'timeout_ms', timeout_ms, 'failures', failures)
    from subscriptions where company = deliveries.company and id = deliveries.subscription) end as target,
  state = 'held' and exists (
    select 1 from subscriptions where company = deliveries.company and id = deliveries.subscription
    and active = 1 and (open_until <= ?6 or rate_limit is not null)) as paced
