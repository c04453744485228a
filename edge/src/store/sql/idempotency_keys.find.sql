-- A key with its answer, and what opens it.
-- ?1 company, ?2 key
select i.request, i.marker, i.status, i.answer, coalesce(c.answers_salt, '') as salt
from idempotency_keys as i left join companies as c on c.id = i.company
where i.company = +?1 and i.key = +?2
