-- Links of a person that hold events on both sides of the cursor. ?1 company, ?2 profile, ?3 cursor ts
select l.session, l.events, l.first_ts, l.last_ts,
       case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
            then l.at else -1 end as since,
       coalesce((select min(n.at) from links as n
                 where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
from links as l indexed by links_by_profile where l.company = ?1 and l.profile = ?2 and l.last_ts >= ?3 and l.first_ts <= ?3
