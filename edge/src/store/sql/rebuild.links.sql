-- The next links of a rebuild, those without events first, each with its present owner and its
-- identify.
-- ?1 company, ?2 profile, ?3 most links
with place as materialized (select last_ts, session, at, id from rebuilds where company = +?1 and profile = +?2),
slice as materialized (
  select * from (
    select l.session, l.at, l.id, l.last_ts, l.origin, l.profile from place cross join links as l indexed by links_by_profile
      on l.company = +?1 and l.profile = +?2 and l.last_ts is null
    where place.last_ts = -9007199254740991 and (l.session, l.at, l.id) > (place.session, place.at, place.id)
    order by l.session, l.at, l.id limit +?3)
  union all
  select * from (
    select l.session, l.at, l.id, l.last_ts, l.origin, l.profile from place cross join links as l indexed by links_by_profile
      on l.company = +?1 and l.profile = +?2 and l.last_ts >= place.last_ts
    where (l.last_ts, l.session, l.at, l.id) > (place.last_ts, place.session, place.at, place.id)
    order by l.last_ts, l.session, l.at, l.id limit +?3)
  limit +?3
)
select l.session, l.at, l.id, l.last_ts, l.origin, coalesce(p.merged_into, p.id, l.profile) as owner, e.received_at, e.type, e.data
from slice as l
left join profiles as p on p.company = +?1 and p.id = coalesce(l.origin, l.profile)
left join events as e on l.id <> '' and e.company = +?1 and e.source = 0 and e.message_id = l.id
