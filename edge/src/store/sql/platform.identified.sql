-- Stores the platform event of an identify, or of a server event that creates a person, if a
-- subscription wants it. It is `user.created` if the identity key leads to the candidate, and
-- `user.updated` if the claims fill gaps of another profile. Runs before the profile is written.
-- ?1 company, ?2 identity key, ?3 candidate, ?4 message id of the identify, ?5 marker, ?6 claims,
-- a JSON object, ?7 most bytes of traits, ?8 message id, ?9 ts, ?10 the new user, a JSON object,
-- ?11 now ms, ?12 most members of traits
insert into events (company, source, message_id, session, ts, type, data, request, received_at)
select ?1, 1, ?8, '', ?9, w.type, w.data, ?5, ?11
from (
  select iif(p.id is null, 'user.created', 'user.updated') as type,
    iif(p.id is null, json_object('user', json(?10)), json_object('user', json_object('id', p.id, 'email', p.email), 'changes', (
      select json_group_object(n.key, json_object('old', null, 'new',
        case n.type when 'true' then json('true') when 'false' then json('false') when 'object' then json(n.value) when 'array' then json(n.value) else n.value end))
      from (
        select key, type, value, max(known) from (
          select key, type, value, 0 as known from json_each(?6)
          union all select key, null, null, 1 from json_each(p.traits)
          union all select key, null, null, 1 from json_each(p.trusted_traits)
        ) group by key having max(known) = 0
      ) as n
      where not (n.key = 'name' and (p.name is not null or p.trusted_traits ->> 'fullName' is not null))))) as data
  from identities as i left join profiles as p on p.company = +?1 and p.id = i.profile
  where i.company = +?1 and i.kind = iif(instr(?2, '@') > 0, 'email', 'user') and i.key = +?2
    and (i.profile = +?3 or p.id is not null and exists (select 1 from events where company = +?1 and source = 0 and message_id = +?4 and request = +?5)
         and (select length(cast(traits as blob)) <= ?7 and (length(traits) - length(replace(traits, '":', ''))) / 2 <= ?12
              from (select json_patch(?6, p.traits) as traits limit 1)))
    and exists (select 1 from subscriptions where company = +?1)
) as w
where (w.type = 'user.created' or w.data ->> '$.changes' <> '{}')
  and exists (
    select 1 from subscriptions as s cross join json_each(s.events) as e
    where s.company = +?1 and (e.value in ('*', w.type) or substr(e.value, -1) = '*' and instr(w.type, rtrim(e.value, '*')) = 1))
