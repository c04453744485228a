-- The people to whom identity keys lead, a row for each key. addressed: the person has an address.
-- named: the person, or a profile merged into them, has a user id. vouched: a secret key has sent
-- data of them. further: the number of their keys besides the address.
-- ?1 company, ?2 JSON array of [lookup key, hash]
select i.key, i.profile, i.ended_at is not null as ended, 0 as erased, p.email is not null as addressed,
       exists (select 1 from json_each(p.aliases) where instr(value, '@') = 0)
         or exists (select 1 from profiles as o indexed by profiles_merged cross join json_each(o.aliases) as a
                    where o.company = +?1 and o.merged_into = p.id and instr(a.value, '@') = 0) as named,
       p.trusted_at is not null or p.server_events > 0 as vouched,
       json_array_length(p.aliases) as further
from json_each(?2) as j
cross join identities as i on i.company = +?1 and i.kind = iif(instr(j.value ->> 0, '@') > 0, 'email', 'user') and i.key = j.value ->> 0
cross join profiles as p on p.company = +?1 and p.id = i.profile
union all
select j.value ->> 0, t.profile, 0, 1, 0, 0, 0, 0 from json_each(?2) as j cross join tombstones as t on t.company = +?1 and t.hash = j.value ->> 1
