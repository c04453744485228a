-- Deletes records of an erased person on some of their links.
-- ?1 company, ?2 profile, ?3 most links, ?4 most records
delete from records
where company = +?1 and (kind, id) in (
  select r.kind, r.id
  from (select session, at, id from links indexed by links_by_profile where company = +?1 and profile = +?2 order by last_ts limit +?3) as l
  cross join records as r indexed by records_by_session on r.company = +?1 and r.session = l.session
  where r.placed_ts >= case when exists (select 1 from links as b where b.company = +?1 and b.session = l.session and (b.at, b.id) < (l.at, l.id)) then l.at else -1 end
    and r.placed_ts < coalesce((select min(b.at) from links as b
                                where b.company = +?1 and b.session = l.session and (b.at, b.id) > (l.at, l.id)), 9007199254740991)
  limit +?4)
