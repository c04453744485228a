-- Writes the outbox: one delivery per new event and active subscription that wants it.
-- ?1 JSON array of {i}, ?2 company, ?3 source, ?4 address of the identify or null, ?5 request, ?6 now ms
insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
select n.company, lower(hex(randomblob(16))), n.subscription, n.source, n.message_id, n.name, 'pending', ?6, ?6
from (
  select e.company, s.id as subscription, s.events as patterns, e.source, e.message_id,
         coalesce((
           select 'user_registered' from identities as i join profiles as p on p.company = i.company and p.id = i.profile
           where i.company = ?2 and i.kind = 'email' and i.key = ?4 and p.registered_id = e.message_id
         ), e.type) as name
  from subscriptions as s cross join json_each(?1) as j cross join events as e
    on e.company = ?2 and e.source = ?3 and e.message_id = j.value->>'i' and e.request = ?5
  where s.company = ?2 and s.active = 1
) as n
where exists (
  select 1 from json_each(n.patterns) as p
  where p.value = '*' or p.value = n.name
     or (substr(p.value, -2) = '.*' and substr(n.name, 1, length(p.value) - 1) = substr(p.value, 1, length(p.value) - 1))
)
returning id
