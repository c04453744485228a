-- Gives links of ?2 to ?3; each remembers whose it is. ?1 company, ?4 JSON array of [session, at,
-- id], ?5 the step of ?2's rebuilding that was seen
update links set origin = nullif(coalesce(origin, profile), ?3), profile = ?3
where company = ?1 and profile = ?2 and (session, at, id) in (select value ->> 0, value ->> 1, value ->> 2 from json_each(?4))
  and exists (select 1 from rebuilds where company = ?1 and profile = ?2 and step = ?5)
