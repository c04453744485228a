-- A profile, or the one into which it was merged, with the number of sessions that only servers
-- identified.
-- ?1 company, ?2 profile, or the id of one of its other addresses in public answers, ?3 links of
-- servers that are read
, (select count(distinct l.session) from (
     select company, session, profile, events - server_events as others from links indexed by links_sent_by_server
     where company = p.company and profile = p.id and sent_by_server = 1 limit +?3) as l
   where l.others <= 1 and not exists (
     select 1 from links as o where o.company = l.company and o.session = l.session and +o.profile = l.profile and o.id <> ''
       and (o.sent_by_server is null or o.events - o.server_events > 1))) as server_only_sessions
from profiles as p join companies as c on c.id = p.company
where p.company = +?1 and p.id = (select coalesce(merged_into, id) from profiles where company = +?1 and id = coalesce(
    (select profile from identities where company = +?1 and public_id = +?2), (select profile from tombstones where company = +?1 and public_id = +?2), ?2))
