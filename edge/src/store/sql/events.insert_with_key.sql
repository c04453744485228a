-- Stores the new events of a server, like events.insert, and returns their message ids. In the same
-- statement it checks the key and finds the person, as server.resolve does. It stores nothing if the
-- key is revoked, of another scope or of another company, if another tracking plan is in force, or
-- if nobody is found or the person was erased. Nor does it if the person's server session has no
-- link yet: links.count would create one without its person.
-- ?1 JSON array of events as in events.insert, ?2 company, ?3 key hash, ?4 version of the tracking
-- plan, ?5 marker, ?6 sent ms, ?7 received ms, ?8 session ('' for nobody), or null for the server
-- session of a person, ?9 their identity key or null, ?10 their profile, or the id of their address
-- in public answers, or null
insert into events (company, source, message_id, session, ts, type, data, context, revenue, request, original_at, sent_at, received_at)
select c.id, 1, j.value->>'i', coalesce(?8, p.server_session), j.value->>'t', j.value->>'n', j.value->'d', j.value->'c',
       case when j.value->'r' is not null
             and exists (select 1 from json_each(c.revenue_events) as counted where counted.value = j.value->>'n')
            then j.value->'r' end,
       ?5, j.value->>'o', ?6, ?7
from keys as k cross join companies as c on c.id = k.company
left join profiles as p on ?8 is null and p.company = k.company and p.erased_at is null and p.id = coalesce(
  (select coalesce(origin, profile) from identities where company = +?2 and kind = iif(instr(?9, '@') > 0, 'email', 'user') and key = +?9),
  (select profile from identities where company = +?2 and public_id = +?10), ?10)
cross join json_each(?1) as j
where k.hash = +?3 and k.company = +?2 and k.scope = 'server' and k.revoked_at is null and k.plan = +?4
  and (?8 is not null
    or exists (select 1 from profiles where company = +?2 and id = coalesce(p.merged_into, p.id) and erased_at is null)
   and exists (select 1 from links where company = +?2 and session = p.server_session))
on conflict (company, source, message_id) do nothing
returning message_id
