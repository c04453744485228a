-- The records of people, the last changed first. Reads at most ?4 records of each kind on each link
-- that has any. Beyond ?9 bytes they have no fields, and only show that there are more. The bytes
-- are counted in the order shown. If ?8 is 1, the first of each kind and person comes before the
-- second.
-- ?1 company, ?2 JSON array of profiles, ?3 JSON array of kinds or null for all, ?4 most of each
-- kind, or in all unless ?8 is 1, ?5 ?6 ?7 after this place (ts, kind, id) or null
with owned as materialized (
  select l.profile, l.session,
         case when exists (select 1 from links as e where e.company = l.company and e.session = l.session and (e.at, e.id) < (l.at, l.id))
              then l.at else -1 end as since,
         coalesce((select min(n.at) from links as n
                   where n.company = l.company and n.session = l.session and (n.at, n.id) > (l.at, l.id)), 9007199254740991) as until
  from json_each(?2) as w cross join links as l indexed by links_with_records
    on l.company = +?1 and l.profile = w.value and l.has_records = 1
  where exists (select 1 from records as r indexed by records_by_session where r.company = +?1 and r.session = l.session)
),
found as (
  select o.profile, k.value as kind, f.value->>0 as ts, f.value->>1 as id
  from owned as o
  cross join json_each(coalesce(?3, (
    with recursive k(kind) as (
      select min(kind) from records where company = +?1 and session = o.session
      union all
      select (select min(kind) from records where company = +?1 and session = o.session and kind > k.kind) from k where k.kind is not null
    )
    select json_group_array(kind) from k where kind is not null
  ))) as k
  cross join json_each((
    select json_group_array(json_array(placed_ts, id)) from (
      select placed_ts, id from records indexed by records_by_session
      where company = +?1 and session = o.session and kind = k.value
        and placed_ts >= o.since and placed_ts < min(o.until, coalesce(?5 + 1, o.until))
        and (?5 is null or (placed_ts, kind, id) < (?5, ?6, ?7))
      order by placed_ts desc, id desc limit +?4)
  )) as f
)
select k.profile, k.kind, k.id, k.ts as placed_ts, r.first_ts, r.last_ts, r.scans, iif(k.before < ?9, r.fields, null) as fields
from (
  select *, row_number() over shown as number, sum(bytes) over shown - bytes as before
  from (
    select n.*, octet_length(r.fields) as bytes
    from (select *, row_number() over (partition by profile, kind order by ts desc, id desc) as place from found) as n
    cross join records as r on r.company = +?1 and r.kind = n.kind and r.id = n.id
    where n.place <= ?4
  )
  window shown as (order by iif(?8 = 1, place, 0), ts desc, kind desc, id desc, profile rows unbounded preceding)
) as k
cross join records as r on r.company = +?1 and r.kind = k.kind and r.id = k.id
where ?8 = 1 or k.number <= ?4
order by k.profile, k.ts desc, k.kind desc, k.id desc
