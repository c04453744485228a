-- The addresses that lead to a person.
-- ?1 company, ?2 JSON array of addresses, ?3 profile
select i.key, i.created_at, i.ended_at, coalesce(i.origin, i.profile) as profile from json_each(?2) as j
cross join identities as i on i.company = +?1 and i.kind = iif(instr(j.value, '@') > 0, 'email', 'user') and i.key = j.value and i.profile = +?3
order by i.created_at, i.key
