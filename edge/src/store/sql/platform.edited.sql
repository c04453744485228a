-- Stores the platform events of an edit for which there is a subscription.
-- ?1 company, ?2 JSON array of {i message id, t ts, n name, d data}, ?3 the user, a JSON object, ?4
-- profile, ?5 revision, ?6 now ms
insert into events (company, source, message_id, session, ts, type, data, request, received_at)
select ?1, 1, j.value->>'i', '', j.value->>'t', j.value->>'n', json_set(j.value->'d', '$.user', json(?3)), ?5, ?6
from json_each(?2) as j
where exists (select 1 from profiles where company = +?1 and id = +?4 and revision = +?5)
  and exists (
    select 1 from subscriptions as s cross join json_each(s.events) as p
    where s.company = +?1 and (p.value in ('*', j.value->>'n') or substr(p.value, -1) = '*' and instr(j.value->>'n', rtrim(p.value, '*')) = 1))
on conflict (company, source, message_id) do nothing
