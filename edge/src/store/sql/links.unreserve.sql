-- Takes away what links.reserve opened and nothing came in for. ?1 company, ?2 JSON array of profiles, ?3 root, ?4 number
delete from links
where company = ?1 and at = 0 and id = '' and events = 0
  and session in (select p.server_session from json_each(?2) as j cross join profiles as p on p.company = ?1 and p.id = j.value)
  and exists (select 1 from profiles where company = ?1 and id = ?3 and edit = ?4)
