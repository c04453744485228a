-- The columns of a group, as `store::groups::Row`. Members are counted on its first ?2 sessions.
-- Every statement that reads groups begins with this.
select g.id, g.kind, g.key, g.first_ts, g.claimed_traits, g.trusted_traits, (
  select count(distinct l.profile)
  from (select distinct session from memberships indexed by memberships_by_group where company = g.company and group_id = g.id limit +?2) as s
  cross join links as l on l.company = g.company and l.session = s.session
  cross join profiles as p on p.company = g.company and p.id = l.profile and p.erased_at is null
  where exists (
    select 1 from memberships as m where m.company = g.company and m.session = l.session and m.group_id = g.id
      and m.ts >= case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
                       then l.at else -1 end
      and m.ts < coalesce((select min(n.at) from links as n
                           where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991))
) as members
