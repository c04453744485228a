-- Those of these sessions that exist, and whether each is anonymous.
-- ?1 company, ?2 JSON array of sessions
select session, open from (
  select j.value as session,
         (select profile is null from links where company = +?1 and session = j.value order by at, id limit 1) as open
  from json_each(?2) as j
) where open is not null
