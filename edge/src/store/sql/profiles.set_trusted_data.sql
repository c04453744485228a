-- Stores the trusted data of each profile of a group apart from that of the group.
-- ?1 company, ?2 JSON array of [profile, trusted data as JSON text or null], ?3 root, ?4 number
update profiles set trusted_data = (select j.value ->> 1 from json_each(?2) as j where j.value ->> 0 = profiles.id)
where company = +?1 and id in (select value ->> 0 from json_each(?2))
  and exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
