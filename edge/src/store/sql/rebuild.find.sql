-- The progress of a person's rebuild, unless it waits for another one.
-- ?1 company, ?2 profile
select r.profile, r.began_at, r.step, r.found, r.vanish, r.notice, p.created_by_identify, p.email, p.aliases, p.erased_at is not null as erased
from rebuilds as r cross join profiles as p on p.company = r.company and p.id = r.profile where r.company = +?1 and r.profile = +?2
  and not exists (select 1 from rebuilds as w where w.company = +?1 and w.profile = r.waits_for)
