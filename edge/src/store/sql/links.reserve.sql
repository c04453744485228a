-- Creates the server sessions of merged profiles without events. So later events find a link that
-- counts for the right person.
-- ?1 company, ?2 JSON array of profiles, ?3 the one that stands for them, ?4 number
insert into links (company, session, at, id, profile, origin)
select ?1, p.server_session, 0, '', ?3, p.id from json_each(?2) as j cross join profiles as p on p.company = +?1 and p.id = j.value
where exists (select 1 from profiles where company = +?1 and id = +?3 and revision = +?4)
on conflict (company, session, at, id) do nothing
