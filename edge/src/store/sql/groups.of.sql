-- The groups of a person, from a limited number of memberships.
-- ?1 company, ?2 profile, ?3 limit, ?4 memberships read
with owned as materialized (
  select l.session,
         case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
              then l.at else -1 end as since,
         coalesce((select min(n.at) from links as n
                   where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
  from links as l indexed by links_with_records where l.company = +?1 and l.profile = +?2 and l.has_records = 1
)
select g.id, g.kind, g.key, g.name
from (
  select distinct group_id from (
    select m.group_id from owned as o cross join memberships as m
      on m.company = +?1 and m.session = o.session and m.ts >= o.since and m.ts < o.until
    limit +?4)
) as w
cross join groups as g on g.company = +?1 and g.id = w.group_id
order by g.kind, g.key limit +?3
