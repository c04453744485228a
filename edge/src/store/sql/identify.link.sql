-- Any other fact: a new link, with the counts of what it owns: from its instant (the first of a session: from ever) to the next link.
-- Reads only the events that lie in there: none but itself, unless the fact comes late.
-- ?1 company, ?2 session, ?3 at, ?4 message id, ?5 address, ?6 request
with bounds as (
  select case when exists (select 1 from links where company = ?1 and session = ?2 and (at, id) < (?3, ?4)) then ?3 else -1 end as since,
         coalesce((select min(at) from links where company = ?1 and session = ?2 and (at, id) > (?3, ?4)), 9007199254740991) as until
),
owned as materialized (
  select e.ts, e.source, e.revenue from bounds cross join events as e
    on e.company = ?1 and e.session = ?2 and e.ts >= since and e.ts < until
  where not (e.source = 0 and e.message_id = ?4)
)
insert into links (company, session, at, id, profile, origin, events, server_events, revenue, first_ts, last_ts, has_records)
select ?1, ?2, ?3, ?4, i.profile, i.origin,
       1 + (select count(*) from owned), (select coalesce(sum(source), 0) from owned),
       case when exists (select 1 from owned where revenue is not null) then (
         select json_group_object(key, sum) from (
           select r.key, sum(r.value) as sum from owned, json_each(owned.revenue) as r group by r.key having sum(r.value) <> 0
         )
       ) end,
       min(?3, coalesce((select min(ts) from owned), ?3)), max(?3, coalesce((select max(ts) from owned), ?3)),
       coalesce((select has_records from links where company = ?1 and session = ?2 limit 1), 0)
from identities as i
where i.company = ?1 and i.kind = iif(instr(?5, '@') > 0, 'email', 'user') and i.key = ?5
  and exists (select 1 from events where company = ?1 and source = 0 and message_id = ?4 and request = ?6)
  and not exists (select 1 from links where company = ?1 and session = ?2 and at = ?3 and id = ?4)
