-- How many events of one person export.events_of goes through. Parameters as of export.count_events, and ?6 the person
select count(*) as n from events as o indexed by events_timeline
where o.company = ?1
  and o.session in (select session from links indexed by links_by_profile where company = ?1 and profile = ?6 and session > '')
  and o.received_at <= ?2 and (?3 is null or o.ts >= ?3) and (?4 is null or o.ts < ?4) and (?5 is null or o.type = ?5)
  and coalesce(
    (select json_object('profile', profile) from links
     where company = o.company and session = o.session and at <= o.ts order by at desc, id desc limit 1),
    (select json_object('profile', profile) from links where company = o.company and session = o.session order by at, id limit 1)
  ) ->> 'profile' = ?6
