-- Notes where a request's new events name groups. ?1 JSON array of {i message id, g group}, ?2 company, ?3 source, ?4 session, ?5 request, ?6 the place, or null
-- for that of each event
insert into memberships (company, session, grp, ts)
select ?2, ?4, j.value->>'g', coalesce(?6, e.ts)
from json_each(?1) as j cross join events as e
  on e.company = ?2 and e.source = ?3 and e.message_id = j.value->>'i' and e.request = ?5
where true
on conflict (company, session, grp, ts) do nothing
