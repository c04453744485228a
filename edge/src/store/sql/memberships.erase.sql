-- Deletes memberships of an erased person on those of some links that own no event any more.
-- ?1 company, ?2 profile, ?3 most links, ?4 most memberships
delete from memberships
where company = +?1 and (session, group_id, ts) in (
  select m.session, m.group_id, m.ts
  from (select session, at, id from links indexed by links_by_profile where company = +?1 and profile = +?2 order by last_ts limit +?3) as l
  cross join json_each(json_array(json_array(
    case when exists (select 1 from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) < (l.at, l.id)) then l.at else -1 end,
    coalesce((select min(b.at) from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) > (l.at, l.id)), 9007199254740991)))) as span
  cross join memberships as m on m.company = +?1 and m.session = l.session and m.ts >= span.value ->> 0 and m.ts < span.value ->> 1
  where not exists (
    select 1 from events as e
    where e.company = +?1 and e.session = l.session and e.ts >= span.value ->> 0 and e.ts < span.value ->> 1)
  limit +?4)
