-- The members of a group in the order of sessions and links, each at the first place of theirs. It
-- reads one session at a time, so it reads little more than it returns. The page ends with the
-- member that reaches ?7 bytes; `found` is the number of rows without that limit.
-- ?1 company, ?2 group, ?3 ?4 ?5 after this session and link (at, id), ?6 limit, ?7 bytes
with recursive named (session) as (
  select min(session) from memberships indexed by memberships_by_group where company = +?1 and group_id = +?2 and session >= ?3
  union all
  select (select min(session) from memberships indexed by memberships_by_group where company = +?1 and group_id = +?2 and session > named.session)
  from named where named.session is not null
),
shown as materialized (
  select l.session, l.at, l.id as link, p.id, octet_length(p.traits) + octet_length(p.trusted_traits) as bytes
  from named cross join links as l on l.company = +?1 and l.session = named.session
  cross join profiles as p on p.company = +?1 and p.id = l.profile and p.erased_at is null
  where (named.session > ?3 or (l.at, l.id) > (?4, ?5))
    and exists (
      select 1 from memberships as m where m.company = +?1 and m.session = l.session and m.group_id = +?2
        and m.ts >= case when exists (select 1 from links as e where e.company = +?1 and e.session = l.session and (e.at, e.id) < (l.at, l.id)) then l.at else -1 end
        and m.ts < coalesce((select min(n.at) from links as n where n.company = +?1 and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991))
    and not exists (
      select 1 from links as o indexed by links_with_records cross join memberships as m on m.company = +?1 and m.session = o.session and m.group_id = +?2
      where o.company = +?1 and o.profile = l.profile and o.has_records = 1 and (o.session, o.at, o.id) < (l.session, l.at, l.id)
        and m.ts >= case when exists (select 1 from links as e where e.company = +?1 and e.session = o.session and (e.at, e.id) < (o.at, o.id)) then o.at else -1 end
        and m.ts < coalesce((select min(n.at) from links as n where n.company = +?1 and n.session = o.session and (n.at, n.id) > (o.at, o.id)), 9007199254740991))
  limit +?6
)
select k.session, k.at, k.link, p.id, p.email, p.name, p.traits, p.trusted_traits, k.found
from (
select *, count(*) over () as found, sum(bytes) over (order by session, at, link rows unbounded preceding) - bytes as before
from shown
) as k
cross join profiles as p on p.company = +?1 and p.id = k.id
where k.before < ?7
order by k.session, k.at, k.link
