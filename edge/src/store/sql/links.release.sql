-- Makes links of an erased person anonymous that own nothing any more. They stay as boundaries: the
-- next person of a session owns no more than before, and late events of the erased person belong to
-- nobody. The id is replaced, as a sender may have made it from personal data.
-- ?1 company, ?2 profile, ?3 most links
update links as l
set id = iif(exists (select 1 from links as b where b.company = +?1 and b.session = l.session and b.at = l.at and b.id < l.id), '~', '!')
         || 'erased:' || lower(hex(randomblob(8))),
    profile = null, events = 0, server_events = 0, revenue = null, first_ts = null, last_ts = null
where company = +?1 and (session, at, id) in (
  select l.session, l.at, l.id
  from (select session, at, id from links indexed by links_by_profile where company = +?1 and profile = +?2 order by last_ts limit +?3) as l
  cross join json_each(json_array(json_array(
    case when exists (select 1 from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) < (l.at, l.id)) then l.at else -1 end,
    coalesce((select min(b.at) from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) > (l.at, l.id)), 9007199254740991)))) as span
  where not exists (
      select 1 from events as e
      where e.company = +?1 and e.session = l.session and e.ts >= span.value ->> 0 and e.ts < span.value ->> 1)
    and not exists (
      select 1 from records as r indexed by records_by_session
      where r.company = +?1 and r.session = l.session and r.placed_ts >= span.value ->> 0 and r.placed_ts < span.value ->> 1)
    and not exists (
      select 1 from memberships as m
      where m.company = +?1 and m.session = l.session and m.ts >= span.value ->> 0 and m.ts < span.value ->> 1)
)
