-- Gives the links of some profiles that count for ?2 to ?3; each remembers whose it is. ?1 company, ?4 JSON array of profiles, ?5 root, ?6 number
update links indexed by links_by_profile set origin = nullif(coalesce(origin, profile), ?3), profile = ?3
where company = ?1 and profile = ?2 and coalesce(origin, profile) in (select value from json_each(?4))
  and exists (select 1 from profiles where company = ?1 and id = ?5 and edit = ?6)
