-- Moves links from ?2 to ?3; `origin` stores whose they are.
-- ?1 company, ?2 and ?3 profiles, ?4 JSON array of [session, at, id], ?5 the step of ?2's rebuild
-- that was read
update links set origin = nullif(coalesce(origin, profile), ?3), profile = +?3
where company = +?1 and profile = +?2 and (session, at, id) in (select value ->> 0, value ->> 1, value ->> 2 from json_each(?4))
  and exists (select 1 from rebuilds where company = +?1 and profile = +?2 and step = +?5)
