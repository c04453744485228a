-- The newest links of a person that lie wholly before the cursor. ?1 company, ?2 profile, ?3 cursor ts, ?4 limit
select l.session, l.events, l.first_ts, l.last_ts,
       case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
            then l.at else -1 end as since,
       coalesce((select min(n.at) from links as n
                 where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
from (
  select company, session, at, id, events, first_ts, last_ts from links indexed by links_by_profile
  where company = ?1 and profile = ?2 and last_ts < ?3 order by last_ts desc limit ?4
) as l
