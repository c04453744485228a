-- A page in the order of a key. ?11 after this key and ?12 this id, ?13 limit, ?14 offset
select p.id, p.email, p.name, p.traits, p.server_session, p.created_at, p.registered_at, p.registered_id, p.last_ts, p.events,
       p.server_events, p.sessions, p.revenue, p.erased_at, c.revenue_events,
       p.said, p.opt_ins, p.consent, p.consent_at, p.consent_source, p.said_at, p.updated_at, p.edit,
       (select json_group_object(name, applied_at) from tags where company = p.company and profile = p.id) as tags,
       (select json_group_object(name, value) from fields where company = p.company and profile = p.id) as fields, k.key
from (select id, key from asked where ?12 is null or (key, id) > (?11, ?12) order by key, id limit ?13 offset ?14) as k
cross join profiles as p on p.company = ?1 and p.id = k.id cross join companies as c on c.id = ?1
order by k.key, p.id
