-- Writes the memberships of a request's new events, if their groups exist. A browser's session has
-- at most ?7 memberships. A group that is only mentioned is written once for each link.
-- ?1 JSON array of {i message id, g group, m 1 if the group is only mentioned}, ?2 company, ?3
-- source, ?4 the session of a browser, ?5 marker, ?6 the place, or null for that of each event, ?7
-- most memberships of a session
insert into memberships (company, session, group_id, ts)
select ?2, e.session, j.value->>'g', coalesce(?6, e.ts)
from json_each(?1) as j cross join events as e
  on e.company = +?2 and e.source = +?3 and e.message_id = j.value->>'i' and e.request = +?5
where exists (select 1 from groups where company = +?2 and id = j.value->>'g')
  and (j.value->>'m' is null or not exists (
    select 1 from (select max(ts) as ts from memberships where company = +?2 and session = e.session and group_id = j.value->>'g' and ts <= e.ts) as m
    where m.ts is not null and not exists (select 1 from links where company = +?2 and session = e.session and at > m.ts and at <= e.ts)))
order by j.key
limit iif(?3 = 1, -1, (select ?7 - count(*) from (select 1 from memberships where company = +?2 and session = +?4 limit +?7)))
on conflict (company, session, group_id, ts) do nothing
