-- Makes identity keys of some profiles lead to another profile; `origin` stores whose they are. A
-- key that one of the profiles gave up may belong to another person by now.
-- ?1 company, ?2 JSON array of identity keys, ?3 profile, ?4 root, ?5 number, ?6 JSON array of the
-- profiles
update identities set origin = nullif(coalesce(origin, profile), ?3), profile = +?3
where company = +?1 and (kind, key) in (select iif(instr(value, '@') > 0, 'email', 'user'), value from json_each(?2)) and coalesce(origin, profile) in (select value from json_each(?6))
  and exists (select 1 from profiles where company = +?1 and id = +?4 and revision = +?5)
