-- The links of a person, newest first, before a place.
-- ?1 company, ?2 profile, ?3 before ts, ?4 before id, ?5 limit
select l.session, l.at, l.id, coalesce(l.origin, l.profile) as profile, l.events from links as l indexed by links_by_profile
where l.company = +?1 and l.profile = +?2 and l.id <> '' and (l.at, l.id) < (?3, ?4)
order by l.at desc, l.id desc limit +?5
