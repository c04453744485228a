-- Lets addresses lead to another profile; each remembers whose it is. ?1 company, ?2 JSON array of addresses, ?3 profile, ?4 root, ?5 number
update identities set origin = nullif(coalesce(origin, profile), ?3), profile = ?3
where company = ?1 and kind = 'email' and key in (select value from json_each(?2))
  and exists (select 1 from profiles where company = ?1 and id = ?4 and edit = ?5)
