-- The links of a person that may hold the next ?4 events after the cursor, oldest first. Each of the ?4 links that end soonest after it holds one, so
-- the last of the page is no later than the end of those; and what begins by then ends at most the person's longest link later.
-- The server session, which lasts as long as the person, is looked at by its name, as are those of merged profiles. ?1 company, ?2 profile, ?3 cursor ts, ?4 events
with person as materialized (
  select longest, server_session,
         coalesce((select last_ts from links indexed by links_by_profile
                   where company = ?1 and profile = ?2 and last_ts > ?3 and id <> '' order by last_ts limit 1 offset ?4 - 1),
                  9007199254740991) as reach
  from profiles where company = ?1 and id = ?2
)
select l.session, l.events, l.first_ts, l.last_ts,
       case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
            then l.at else -1 end as since,
       coalesce((select min(n.at) from links as n
                 where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
from (
  select k.* from person as p cross join links as k indexed by links_by_profile
  where k.company = ?1 and k.profile = ?2 and k.last_ts >= ?3 and k.last_ts <= p.reach + p.longest and k.id <> ''
  union all
  select k.* from person as p cross join links as k
  where k.company = ?1 and k.session = p.server_session and k.at = 0 and k.id = '' and k.last_ts >= ?3
  union all
  select k.* from profiles as m indexed by profiles_merged cross join links as k
  where m.company = ?1 and m.merged_into = ?2 and k.company = ?1 and k.session = m.server_session and k.at = 0 and k.id = '' and k.last_ts >= ?3
) as l
