-- The next events of an erased person, from some of their links; null if no link is left.
-- ?1 company, ?2 profile, ?3 most links, ?4 most events
with taken as materialized (
  select l.session, l.at, l.id,
         case when exists (select 1 from links as e where e.company = +?1 and e.session = l.session and (e.at, e.id) < (l.at, l.id)) then l.at else -1 end as since,
         coalesce((select min(e.at) from links as e
                   where e.company = +?1 and e.session = l.session and (e.at, e.id) > (l.at, l.id)), 9007199254740991) as until
  from (select session, at, id from links indexed by links_by_profile where company = +?1 and profile = +?2 order by last_ts limit +?3) as l
)
select case when exists (select 1 from taken) then (
  select json_group_array(json_object('s', source, 'i', message_id)) from (
    select 0 as source, id as message_id from taken where id <> ''
    union
    select * from (
      select e.source, e.message_id from taken as t cross join events as e
        on e.company = +?1 and e.session = t.session and e.ts >= t.since and e.ts < t.until
      limit +?4)
  )
) end as ids
