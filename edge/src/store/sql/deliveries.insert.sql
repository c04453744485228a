-- Writes the outbox: one delivery per new event and subscription that wants it; held while the subscription or the company is switched off.
-- Patterns are matched once per name, not per event.
-- ?1 JSON array of message ids, ?2 company, ?3 source, ?4 address of the identify or null, ?5 request, ?6 now ms
with fresh as materialized (
  select e.message_id,
         coalesce((
           select 'user_registered' from identities as i join profiles as p on p.company = i.company and p.id = i.profile
           where i.company = ?2 and i.kind = 'email' and i.key = ?4 and p.registered_id = e.message_id and e.type = 'identify'
         ), e.type) as name
  from json_each(?1) as j cross join events as e
    on e.company = ?2 and e.source = ?3 and e.message_id = j.value and e.request = ?5
  where exists (select 1 from subscriptions where company = ?2)
),
wanted as materialized (
  select s.id as subscription, n.name, case when s.active = 1 and c.webhooks_enabled = 1 then 'pending' else 'held' end as state
  from (select distinct name from fresh) as n cross join subscriptions as s on s.company = ?2 cross join companies as c on c.id = ?2
  where exists (
    select 1 from json_each(s.events) as p
    where p.value = '*' or p.value = n.name
       or (substr(p.value, -2) = '.*' and substr(n.name, 1, length(p.value) - 1) = substr(p.value, 1, length(p.value) - 1)))
)
insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
select ?2, lower(hex(randomblob(16))), w.subscription, ?3, f.message_id, f.name, w.state, ?6, ?6
from fresh as f join wanted as w on w.name = f.name
where true
returning id, state
