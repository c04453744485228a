-- The link of an identify, and the next owner of its events without it.
-- ?1 company, ?2 message id
select e.session, l.at, l.profile,
       coalesce(
         (select json_array(o.profile) from links as o where o.company = +?1 and o.session = e.session and (o.at, o.id) < (l.at, ?2)
          order by o.at desc, o.id desc limit 1),
         (select json_array(o.profile) from links as o where o.company = +?1 and o.session = e.session and (o.at, o.id) > (l.at, ?2)
          order by o.at, o.id limit 1)) ->> 0 as next_owner
from events as e
cross join links as l on l.company = +?1 and l.session = e.session and l.at = e.ts and l.id = +?2 and l.profile is not null
cross join profiles as p on p.company = +?1 and p.id = l.profile and p.erased_at is null
where e.company = +?1 and e.source = 0 and e.message_id = +?2 and e.session <> ''
